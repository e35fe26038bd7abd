# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private. Runs a command whose output an app decides: no more of it is kept than a limit, and it ends in time.

AnsibleModule.run_command keeps all that is written, and reads as long as any process has the pipe open. An app could
fill the host's memory with it, or hand the pipe to a process that goes on for ever.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence

LIMIT = 1024 * 1024  # bytes that are kept of each of the two outputs
CHUNK = 65536  # the capacity of a pipe
POLL_SECONDS = 0.1


def run(argv: Sequence[str], *, data: str, seconds: float, limit: int = LIMIT) -> tuple[int, str, str]:
    """Exit code, standard output and error of *argv*, which gets *data*.

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
    out, err = (one.decode("utf-8", errors="replace") for one in kept)
    return process.returncode, out, err


class _Talk:
    """What is said to a process, and what it says."""

    def __init__(self, process: subprocess.Popen[bytes], data: bytes, limit: int) -> None:
        assert process.stdin and process.stdout and process.stderr
        self.process, self.data, self.limit = process, data, limit
        self.stdin, self.outputs = process.stdin, [process.stdout, process.stderr]
        self.kept = [b"", b""]
        for stream in (self.stdin, *self.outputs):
            os.set_blocking(stream.fileno(), False)

    def until(self, deadline: float) -> list[bytes]:
        """The two outputs when the process has ended, or the time."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.stdin, selectors.EVENT_WRITE, self._write)
            for number, stream in enumerate(self.outputs):
                selector.register(stream, selectors.EVENT_READ, lambda number=number: self._read(number))
            while self.process.poll() is None and time.monotonic() < deadline and len(self.kept[0]) < self.limit:
                if not selector.get_map():
                    time.sleep(POLL_SECONDS)
                for key, _events in selector.select(POLL_SECONDS):
                    if not key.data():
                        selector.unregister(key.fileobj)
        # What the process itself has written is in the pipes by now; other writers are not waited for.
        for number in range(len(self.outputs)):
            self._read(number)
        return self.kept

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
        self.kept[number] += chunk[: self.limit - len(self.kept[number])]
        return bool(chunk)
