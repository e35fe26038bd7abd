"""What all users of a host can see of its processes: their arguments."""

import subprocess
from contextlib import contextmanager

# Prints each command line once, until it is killed. It looks often enough to see commands of some milliseconds.
WATCH = """
import glob, time
seen = set()
while True:
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                line = file.read()
        except OSError:
            continue
        if line and line not in seen:
            seen.add(line)
            print(repr(line), flush=True)
    time.sleep(0.003)
"""


@contextmanager
def recorded_arguments(host):
    """A list, which in the end has the command line of each process of the meantime."""
    command = ["podman", "exec", host.backend.name, "python3", "-c", WATCH]
    found = []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    # It lists itself first: from then on it sees every other process.
    found.append(process.stdout.readline())
    try:
        yield found
    finally:
        host.run("pkill --full 'seen = set'")
        found += process.communicate()[0].splitlines()
