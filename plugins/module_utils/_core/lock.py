# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks that let one run at a time change a host. Only root can take them, because only root can open their files.

flock(2) works on any file that a process can open for reading. So any user of the host could hold a lock on a directory
such as /etc/nginx. The kernel releases a lock when its process ends, for whatever reason.
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

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import LOCK_DIRECTORY

LOCKS = Path(LOCK_DIRECTORY)
LOCK_TIMEOUT_SECONDS = 60.0  # a transaction of nginx_config takes 1 to 2 s, a deploy 10 s or more
POLL_SECONDS = 0.05
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class LockError(Exception):
    """The lock was not acquired and nothing was changed; the text is for the operator."""


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock *name* (``nginx``, ``app-NAME``).

    Raises LockError if another process holds it for longer than LOCK_TIMEOUT_SECONDS, or if other users can open it.
    """
    descriptor = _open(name)
    try:
        _acquire(descriptor, name)
        _record_holder(descriptor)
        yield
    finally:
        # Keep the file: a lock on a removed file would not exclude a run that creates the file again.
        os.close(descriptor)


def is_held(name: str) -> bool:
    """Return whether a process holds the lock *name*. The caller must not hold it itself."""
    try:
        descriptor = os.open(LOCKS / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def _open(name: str) -> int:
    """Open the lock's file; raises LockError unless only its owner can open it."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a lock")
    try:
        with contextlib.ExitStack() as opened:
            directory = None
            # Open each relative to its parent directory, which no other user can replace.
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
    """Raise LockError unless the user owns the file or directory and none of the *forbidden* mode bits is set."""
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
    """Write process id and start time into the lock's file, by a clock that does not change with the host's time."""
    record = json.dumps({"pid": os.getpid(), "since": time.clock_gettime(time.CLOCK_BOOTTIME)})
    # Only a message uses it: do not fail on a full /run.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, record.encode("ascii"), 0)


def _holder(descriptor: int) -> str:
    """The process that holds the lock, and for how long, in words."""
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
    """The id of the process that holds the lock (proc_locks(5)), None if unknown."""
    found = os.fstat(descriptor)
    file = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    with contextlib.suppress(OSError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            # "1: FLOCK ADVISORY WRITE 812 00:1a:4711 0 EOF"; a line with "->" is a waiting process.
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
