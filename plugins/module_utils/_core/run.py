# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs commands whose output may be endless: the code of an app or of a repository writes it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import IO

# Bytes that are kept of each stream, the last ones: a tool says at its end why it failed.
KEPT = 4 << 20
BLOCK = 1 << 16


def run_bounded(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    environ_update: Mapping[str, str] | None = None,
    data: str | None = None,
    handle_exceptions: bool = False,
) -> tuple[int, str, str]:
    """Exit code, and the last KEPT bytes of standard output and error as text.

    The options are those of AnsibleModule.run_command, which keeps all output in memory. *data* is the standard input,
    empty without it. A program that is not there raises OSError, whatever *handle_exceptions* says.
    """
    environment = {**os.environ, **(environ_update or {})}
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=cwd, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin and process.stdout and process.stderr
        out, err = _Tail(process.stdout), _Tail(process.stderr)
        try:
            process.stdin.write((data or "").encode())
            process.stdin.close()
        # It has ended, or does not read.
        except BrokenPipeError:
            pass
        texts = out.text(), err.text()
    return process.returncode, *texts


class _Tail:
    """The end of a stream, read in a thread of its own: a process stops where one of its pipes is full."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._kept = stream, bytearray()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while block := self._stream.read1(BLOCK):  # type: ignore[attr-defined]
            self._kept += block
            if len(self._kept) > 2 * KEPT:
                del self._kept[:-KEPT]

    def text(self) -> str:
        """The text, once the stream has ended."""
        self._thread.join()
        return bytes(self._kept[-KEPT:]).decode("utf-8", errors="replace")
