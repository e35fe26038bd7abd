"""kill.py VICTIM SECONDS: kill -9 what takes part in a deployment of `steady`, so long after it took its lock.

Prints what was killed, or nothing if it was over by then. VICTIM is `module`, `step` (a process that the module
started, or one in the app's sandbox), or `nobody`: then the seconds are printed for which the lock was held.
"""

import fcntl
import os
import signal
import sys
import time
from pathlib import Path

LOCK = "/srv/steady/releases"
SANDBOXED = "gatehouse_prepare.py"
PAUSE = 0.02


def is_locked():
    handle = os.open(LOCK, os.O_RDONLY)
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
    inode = str(os.stat(LOCK).st_ino)
    for line in Path("/proc/locks").read_text().splitlines():
        _number, kind, *fields = line.split()
        if kind == "FLOCK" and fields[3].endswith(f":{inode}"):
            return int(fields[2])
    return None


def module():
    found = holder()
    return [(pid, line) for pid, _parent, line in processes() if pid == found]


def step():
    found = holder()
    sandboxed = [(pid, line) for pid, _parent, line in processes() if SANDBOXED in line and "systemd-run" not in line]
    return sandboxed or [(pid, line) for pid, parent, line in processes() if parent == found]


def main(victim, delay):
    if not wait(is_locked, 300):
        return
    if victim == "nobody":
        start = time.monotonic()
        wait(lambda: not is_locked(), 300)
        print(round(time.monotonic() - start, 2))
        return
    time.sleep(delay)
    for pid, line in wait({"module": module, "step": step}[victim], 3)[:1]:
        os.kill(pid, signal.SIGKILL)
        print(line)


main(sys.argv[1], float(sys.argv[2]))
