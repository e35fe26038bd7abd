"""kill.py APP VICTIM MOMENT: kill -9 what takes part in a deployment, so many seconds after it took its lock.

Prints what was killed, or nothing if it was over by then. VICTIM is `module`, `step` (a process that the module
started, or one in the app's sandbox), or `none`: then the seconds are printed for which the lock was held. The moment
`served` is that of the rename which puts the first release into service.
"""

import fcntl
import os
import signal
import sys
import time
from pathlib import Path

HOME = Path("/srv", sys.argv[1])
LOCK = Path("/run/gatehouse/locks", f"app-{sys.argv[1]}")
SANDBOXED = "gatehouse_prepare.py"
PAUSE = 0.02


def is_locked():
    try:
        handle = os.open(LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(handle)


def wait(look, seconds):
    """What look() finds, if it does in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    return found


def processes():
    """Id, parent and command line of all that run, the youngest first."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().decode(errors="replace").split("\0")
            fields = (directory / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found.append((int(fields[19]), int(directory.name), int(fields[1]), " ".join(words).strip()))
    return [process[1:] for process in sorted(found, reverse=True)]


def holder():
    """The id of the process that holds the lock (proc_locks(5))."""
    found = os.stat(LOCK)
    file = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in Path("/proc/locks").read_text().splitlines():
        _number, kind, *fields = line.split()
        if kind == "FLOCK" and fields[3] == file:
            return int(fields[2])
    return None


def module():
    found = holder()
    return [(pid, line) for pid, _parent, line in processes() if pid == found]


def step():
    found = holder()
    sandboxed = [(pid, line) for pid, _parent, line in processes() if SANDBOXED in line and "systemd-run" not in line]
    return sandboxed or [(pid, line) for pid, parent, line in processes() if parent == found]


def main(victim, moment):
    if not wait(is_locked, 300):
        return
    if victim == "none":
        start = time.monotonic()
        wait(lambda: not is_locked(), 300)
        print(round(time.monotonic() - start, 2))
        return
    if moment == "served":
        wait((HOME / "current").is_symlink, 300)
    else:
        time.sleep(float(moment))
    for pid, line in wait({"module": module, "step": step}[victim], 3)[:1]:
        os.kill(pid, signal.SIGKILL)
        print(line)


main(sys.argv[2], sys.argv[3])
