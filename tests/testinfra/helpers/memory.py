"""A process of a host that the kernel kills for want of memory, for real.

An ordinary machine has the memory controller in cgroup2, and so have its containers: a unit's own MemoryMax does it.
On a machine with the older hierarchy no container can set limits, so the process is put, from outside, into a control
group of the machine's that has none left. Little memory is used in either case.
"""

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path

from .hosts import eventually


def has_controller(driver):
    """Whether the host itself can limit a unit's memory."""
    return "memory" in driver.shell("cat /sys/fs/cgroup/cgroup.controllers").split()


@contextlib.contextmanager
def exhausted(driver, host, unit, pid):
    """The process *pid* of *unit* gets no more memory: the kernel kills it as soon as it asks for some."""
    if has_controller(driver):
        driver.shell(f"systemctl set-property --runtime {unit} MemoryMax=1M MemorySwapMax=0")
        try:
            yield
        finally:
            driver.shell(f"systemctl revert {unit}; systemctl set-property --runtime {unit} MemoryMax=infinity")
        return
    with _old_hierarchy() as top:
        group = top / f"gatehouse-{os.getpid()}"
        group.mkdir()
        try:
            (group / "memory.limit_in_bytes").write_text("0")
            (group / "cgroup.procs").write_text(str(_outside(host.backend.name, pid)))
            yield
        finally:
            eventually(lambda: not (group / "cgroup.procs").read_text())
            group.rmdir()


@contextlib.contextmanager
def _old_hierarchy():
    """The machine's control groups for memory (cgroup v1), where this process's mount namespace need not have them."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["mount", "-t", "cgroup", "-o", "memory", "memory", directory], check=True)
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", directory], check=True)


def _outside(name, pid):
    """The number that the machine has for the process *pid* of a container."""
    asked = ["podman", "inspect", "--format={{.State.Pid}}", name]
    first = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    namespace = os.readlink(f"/proc/{first}/ns/pid")
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(entry / "ns/pid") == namespace:
                numbers = next(
                    line for line in (entry / "status").read_text().splitlines() if line.startswith("NSpid:")
                )
                if numbers.split()[-1] == str(pid):
                    return int(entry.name)
    raise AssertionError(f"{name} has no process {pid}")
