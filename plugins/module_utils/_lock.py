# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time: a lock on a directory, which leaves no file and dies with its process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 60.0  # seconds: a transaction of nginx_config takes one or two, a deploy ten or more


class Held(Exception):
    """Another process holds the lock and has not given it back in time."""


@contextlib.contextmanager
def locked(directory: str) -> Iterator[None]:
    """Hold *directory* (flock(2)); raises Held where that takes longer than PATIENCE seconds."""
    descriptor = os.open(directory, os.O_RDONLY)
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Held(
                        f"{_holder(descriptor)} has held {directory} for {PATIENCE:.0f} s. Nothing was changed: "
                        "try again when it has ended"
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    """Who holds the lock, in words (proc_locks(5))."""
    inode = str(os.fstat(descriptor).st_ino)
    try:
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            _number, kind, *fields = line.split()
            if kind == "FLOCK" and fields[3].endswith(f":{inode}") and fields[2].isdigit():
                command = Path(f"/proc/{fields[2]}/cmdline").read_text(encoding="utf-8", errors="replace")
                seconds = time.time() - os.stat(f"/proc/{fields[2]}").st_mtime
                return f"process {fields[2]} ({command.split(chr(0))[0]}, for {seconds:.0f} s)"
    except OSError:
        pass
    return "another run"
