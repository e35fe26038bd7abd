# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs commands whose output the code of an app or of a repository writes.

AnsibleModule.run_command keeps all that is written, and reads as long as any process has the pipe open. Such code could
fill the host's memory with it, or hand the pipe to a process that goes on for ever.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

LIMIT = 1 << 20  # bytes that run_limited() keeps of each of the two outputs, the first ones
KEPT = 4 << 20  # bytes that run_bounded() keeps, the last ones: a tool says at its end why it failed
CHUNK = 65536  # the capacity of a pipe
POLL_SECONDS = 0.1


def run_bounded(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    environ_update: Mapping[str, str] | None = None,
    data: str | None = None,
    handle_exceptions: bool = False,
) -> tuple[int, str, str]:
    """Exit code of *argv*, and the last KEPT bytes of its standard output and error as text.

    The options are those of AnsibleModule.run_command. *data* is the standard input, empty without it. A program that
    is not there raises OSError, whatever *handle_exceptions* says.
    """
    environment = {**os.environ, **(environ_update or {})}
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=cwd, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0) as process:
        kept = _Talk(process, (data or "").encode(), KEPT, tail=True).until(float("inf"))
    return process.returncode, *kept


def run_limited(argv: Sequence[str], *, data: str, seconds: float, limit: int = LIMIT) -> tuple[int, str, str]:
    """Exit code of *argv*, which gets *data*, and the first *limit* bytes of its standard output and error as text.

    It is killed after so many seconds, and when it has written more than *limit* to its standard output. A negative
    code is that of the signal that ended it.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True) as process:
        try:
            kept = _Talk(process, data.encode(), limit).until(time.monotonic() + seconds)
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, *kept


class _Talk:
    """What is written to a process, and what it writes; ends with the process, whoever has its pipes open."""

    def __init__(self, process: subprocess.Popen[bytes], data: bytes, limit: int, *, tail: bool = False) -> None:
        assert process.stdin and process.stdout and process.stderr
        self.process, self.data, self.limit, self.tail = process, data, limit, tail
        self.stdin, self.outputs = process.stdin, [process.stdout, process.stderr]
        self.kept = [bytearray(), bytearray()]
        for stream in (self.stdin, *self.outputs):
            os.set_blocking(stream.fileno(), False)

    def until(self, deadline: float) -> tuple[str, str]:
        """The two outputs when the process has ended, or the time."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.stdin, selectors.EVENT_WRITE, self._write)
            for number, stream in enumerate(self.outputs):
                selector.register(stream, selectors.EVENT_READ, lambda number=number: self._read(number))
            while self.process.poll() is None and time.monotonic() < deadline and not self._is_full():
                if not selector.get_map():
                    time.sleep(POLL_SECONDS)
                for key, _events in selector.select(POLL_SECONDS):
                    if not key.data():
                        selector.unregister(key.fileobj)
        # What the process itself has written is in the pipes by now; other writers are not waited for.
        for number in range(len(self.outputs)):
            self._read(number)
        out, err = (bytes(one[-self.limit :]).decode("utf-8", errors="replace") for one in self.kept)
        return out, err

    def _is_full(self) -> bool:
        return not self.tail and len(self.kept[0]) >= self.limit

    def _write(self) -> bool:
        """Write some of the input; whether there is more."""
        try:
            self.data = self.data[os.write(self.stdin.fileno(), self.data) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            self.data = b""
        if not self.data:
            self.stdin.close()
        return bool(self.data)

    def _read(self, number: int) -> bool:
        """Read some of an output; whether there may be more."""
        try:
            chunk = os.read(self.outputs[number].fileno(), CHUNK)
        except BlockingIOError:
            return True
        kept = self.kept[number]
        kept += chunk if self.tail else chunk[: self.limit - len(kept)]
        if len(kept) > 2 * self.limit:
            del kept[: -self.limit]
        return bool(chunk)
