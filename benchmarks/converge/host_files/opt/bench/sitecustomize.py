"""Notes the seconds and the peak memory (in KiB) of each Python process: Ansible runs one for each module."""

import atexit
import resource
import time

STARTED = time.monotonic()


def note() -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open("/opt/bench/pythons", "a", encoding="utf-8") as notes:
        notes.write(f"{time.monotonic() - STARTED:.3f} {memory}\n")


atexit.register(note)
