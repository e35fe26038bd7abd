# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run commands whose output comes from the code of an app or a repository.

AnsibleModule.run_command keeps the complete output, and reads until every process has closed the pipe. Such code could
fill the host's memory, or pass the pipe to a process that never ends.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

LIMIT = 1 << 20  # run_limited() keeps the first LIMIT bytes of each output
KEPT = 4 << 20  # run_bounded() keeps the last KEPT bytes: a tool says at its end why it failed
CHUNK = 65536  # the capacity of a pipe
POLL_SECONDS = 0.1


class Run(Protocol):
    """The signature of AnsibleModule.run_command, which returns (rc, stdout, stderr); *data* is the standard input."""

    def __call__(
        self, args: list[str], *, data: bytes | None = None, binary_data: bool = False
    ) -> tuple[int, str, str]:
        """Run *args* with *data* as standard input; return (rc, stdout, stderr)."""


def run_bounded(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    environ_update: Mapping[str, str] | None = None,
    data: str | None = None,
    handle_exceptions: bool = False,
) -> tuple[int, str, str]:
    """Run *argv* and return its exit code and the last KEPT bytes of its standard output and error as text.

    The options are those of AnsibleModule.run_command. *data* is the standard input, empty by default. A missing
    program raises OSError, even with *handle_exceptions*. A negative code is the number of the signal that ended it.
    """
    process = _Process(argv, {**os.environ, **(environ_update or {})}, cwd)
    try:
        texts = _Exchange(process, (data or "").encode(), KEPT, tail=True).until(float("inf"))
        return process.end(), *texts
    finally:
        process.close()


def run_limited(argv: Sequence[str], *, data: str, seconds: float, limit: int = LIMIT) -> tuple[int, str, str]:
    """Run *argv* with the input *data* and return its exit code and the first *limit* bytes of each output as text.

    The process is killed after *seconds*, and when it has written more than *limit* bytes to its standard output. A
    negative code is the number of the signal that ended it.
    """
    process = _Process(argv, os.environ)
    try:
        texts = _Exchange(process, data.encode(), limit).until(time.monotonic() + seconds)
        return process.end(), *texts
    finally:
        process.close()


class _Process:
    """A process with pipes, in a session of its own (fork(2), execve(2))."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], cwd: str | None = None) -> None:
        pipes = [os.pipe() for _stream in range(3)]
        ours = [pipes[0][1], pipes[1][0], pipes[2][0]]
        theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
        self.stdin, self.outputs = ours[0], ours[1:]
        self.code: int | None = None
        # execve(2) closes this pipe. If it fails, the child writes the errno to it.
        failed, tell = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _exec(argv, environment, cwd, theirs, tell)
        for end in (*theirs, tell):
            os.close(end)
        with open(failed, "rb") as told:
            number = told.read()
        if number:
            self.end()
            self.close()
            raise OSError(int(number), os.strerror(int(number)), argv[0])
        for end in ours:
            os.set_blocking(end, False)

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def end(self) -> int:
        """Kill the process if it is still running; returns the exit code."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code or 0

    def close_stdin(self) -> None:
        """Close the standard input."""
        if self.stdin >= 0:
            os.close(self.stdin)
        self.stdin = -1

    def close(self) -> None:
        """Close the pipes."""
        self.close_stdin()
        for end in self.outputs:
            os.close(end)
        self.outputs = []


def _exec(argv: Sequence[str], environment: Mapping[str, str], cwd: str | None, ends: Sequence[int], tell: int) -> None:
    """Replace this process by *argv* with *ends* as its standard streams; never returns."""
    try:
        os.setsid()
        for number, end in enumerate(ends):
            os.dup2(end, number)
        # Python ignores SIGPIPE, and the program would inherit that.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        if cwd:
            os.chdir(cwd)
        os.execvpe(argv[0], list(argv), dict(environment))
    except OSError as error:
        os.write(tell, str(error.errno).encode())
    finally:
        os._exit(127)


class _Exchange:
    """Write the input of a process and read its outputs until it ends, even if other processes keep its pipes open."""

    def __init__(self, process: _Process, data: bytes, limit: int, *, tail: bool = False) -> None:
        self.process, self.data, self.limit, self.tail = process, data, limit, tail
        self.kept = [bytearray(), bytearray()]

    def until(self, deadline: float) -> tuple[str, str]:
        """Return the two outputs when the process has ended or *deadline* has passed."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdin, selectors.EVENT_WRITE, self._write)
            for number, end in enumerate(self.process.outputs):
                selector.register(end, selectors.EVENT_READ, lambda number=number: self._read(number))
            while self.process.poll() is None and time.monotonic() < deadline and not self._is_full():
                if not selector.get_map():
                    time.sleep(POLL_SECONDS)
                for key, _events in selector.select(POLL_SECONDS):
                    if not key.data():
                        selector.unregister(key.fd)
                        if key.fd == self.process.stdin:
                            self.process.close_stdin()
        # The pipes contain everything that the process itself has written. Do not wait for other writers.
        for number in range(len(self.kept)):
            self._read(number)
        out, err = (bytes(one[-self.limit :]).decode("utf-8", errors="replace") for one in self.kept)
        return out, err

    def _is_full(self) -> bool:
        return not self.tail and len(self.kept[0]) >= self.limit

    def _write(self) -> bool:
        """Write a part of the input; returns whether more is left."""
        try:
            self.data = self.data[os.write(self.process.stdin, self.data) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        return bool(self.data)

    def _read(self, number: int) -> bool:
        """Read a part of an output; returns whether there may be more."""
        try:
            chunk = os.read(self.process.outputs[number], CHUNK)
        except BlockingIOError:
            return True
        kept = self.kept[number]
        kept += chunk if self.tail else chunk[: self.limit - len(kept)]
        if len(kept) > 2 * self.limit:
            del kept[: -self.limit]
        return bool(chunk)
