# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time: locks that only root can take, because only root can open their files.

flock(2) works on any file that a process can open for reading. So a lock on a directory such as /etc/nginx could be
held by any user of the host. The kernel releases a lock when its process ends, whatever ends it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

# Not in /run/lock: on Debian any user may create names there, and could create this one first.
LOCKS = Path("/run/gatehouse/locks")
LOCK_TIMEOUT_SECONDS = 60.0  # a transaction of nginx_config takes one or two, a deploy ten or more
POLL_SECONDS = 0.05
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class LockError(Exception):
    """The lock was not taken, and nothing was changed; the text is for the operator."""


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock *name* (``nginx``, ``app-NAME``).

    Raises LockError if another process holds it for longer than LOCK_TIMEOUT_SECONDS, or if it is not safe to take.
    """
    descriptor = _open(name)
    try:
        _acquire(descriptor, name)
        _record_holder(descriptor)
        yield
    finally:
        # The file stays: a lock on a file that was removed would not exclude a run that creates it anew.
        os.close(descriptor)


def _open(name: str) -> int:
    """Open the lock's file, which only its owner can reach; raises LockError where that is not so."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a lock")
    try:
        with contextlib.ExitStack() as opened:
            directory = None
            # Each relative to the directory above it, which no other user can exchange.
            for path, mode, forbidden in ((LOCKS.parent, 0o755, 0o022), (LOCKS, 0o700, 0o077)):
                directory = _open_directory(path, mode, directory)
                opened.callback(os.close, directory)
                _check_owner(directory, path, forbidden)
            descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600, dir_fd=directory)
            _check_owner(descriptor, LOCKS / name, 0)
            return descriptor
    except OSError as error:
        raise LockError(f"The lock {LOCKS / name} cannot be taken: {error}. Nothing was changed.") from error


def _open_directory(path: Path, mode: int, parent: int | None) -> int:
    name = str(path) if parent is None else path.name
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, mode, dir_fd=parent)
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)


def _check_owner(descriptor: int, path: Path, forbidden: int) -> None:
    """Raise LockError unless the file or directory is the user's own, and none of the *forbidden* bits is set."""
    found = os.fstat(descriptor)
    usable = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
    if not usable or found.st_uid != os.geteuid() or found.st_mode & forbidden:
        raise LockError(
            f"The lock {path} cannot be taken: it belongs to user {found.st_uid} and has mode "
            f"{stat.S_IMODE(found.st_mode):04o}, but it must belong to user {os.geteuid()}, and other users must not "
            f"be able to take it. Find out what created it, remove it, and run this again. Nothing was changed."
        )


def _acquire(descriptor: int, name: str) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LockError(
                    f"Timed out after {LOCK_TIMEOUT_SECONDS:.0f} s waiting for the lock on {LOCKS / name}, "
                    f"held by {_holder(descriptor)}. Nothing was changed; retry later."
                ) from None
            time.sleep(POLL_SECONDS)


def _record_holder(descriptor: int) -> None:
    """Write into the lock's file who holds it since when, by the clock that no change of the time moves."""
    record = json.dumps({"pid": os.getpid(), "since": time.clock_gettime(time.CLOCK_BOOTTIME)})
    # Only a message needs it: a full /run is no reason to fail.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, record.encode("ascii"), 0)


def _holder(descriptor: int) -> str:
    """Which process holds the lock, and for how long."""
    pid = _holding_process(descriptor)
    if pid is None:
        return "another process"
    words = _command(pid)
    try:
        record = json.loads(os.pread(descriptor, 4096, 0))
        if record["pid"] == pid:
            held = time.clock_gettime(time.CLOCK_BOOTTIME) - record["since"]
            return f"process {pid} ({words}) for {held:.0f} s"
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return f"process {pid} ({words})"


def _holding_process(descriptor: int) -> int | None:
    """The id of the process that the kernel knows as the holder (proc_locks(5))."""
    found = os.fstat(descriptor)
    file = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    with contextlib.suppress(OSError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            # "1: FLOCK ADVISORY WRITE 812 00:1a:4711 0 EOF"; a line with "->" is of a process that waits.
            _number, kind, *fields = line.split()
            if kind == "FLOCK" and fields[3] == file and int(fields[2]) > 0:
                return int(fields[2])
    return None


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="backslashreplace").split("\0")
    except OSError:
        return "which has ended"
    return " ".join(word for word in words if word)[:200] or "without a command line"
