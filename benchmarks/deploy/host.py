"""The throwaway host that the benchmark deploys to, what it is, and what is taken off it between the rounds."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

NAME = "gatehouse-bench-deploy"
REPOSITORY = "/srv/git/guestbook.git"
ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> str:
    return subprocess.run(
        ["podman", "exec", NAME, *command], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def remove() -> None:
    command = ["podman", "rm", "--force", "--ignore", "--time", "0", "--volumes", NAME]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def address() -> str:
    return run("hostname", "--all-ip-addresses").split()[0]


def install(repository: Path) -> None:
    """Put the repository where both ways pull from."""
    run("mkdir", "-p", str(Path(REPOSITORY).parent))
    subprocess.run(["podman", "cp", repository, f"{NAME}:{REPOSITORY}"], check=True)
    run("chown", "-R", "root:root", REPOSITORY)


def point(tag: str) -> None:
    """What `main` is from now on."""
    run("git", "--git-dir", REPOSITORY, "update-ref", "refs/heads/main", f"refs/tags/{tag}")


def forget() -> None:
    """Without the plain way's app, and with no package in any cache: as on a new host. Ours knows how to go."""
    run(
        "sh",
        "-c",
        "systemctl disable --quiet --now plain.service 2>/dev/null; userdel plain 2>/dev/null;"
        "rm -rf /srv/plain /etc/systemd/system/plain.service; systemctl daemon-reload;"
        "rm -rf /opt/gatehouse /root/.cache/pip;"
        "find /root/.cache/uv -mindepth 1 -delete 2>/dev/null; true",
    )


def main_process(unit: str) -> str:
    """When the newest process of the unit started; nothing changes it but a restart."""
    return run("systemctl", "show", "--property=ExecMainStartTimestampMonotonic", "--value", unit)


def machine(load: float) -> dict[str, str]:
    """What the numbers depend on; *load* is what else the machine was doing."""
    processor = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    describe = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    about = run("sh", "-c", "cat /etc/debian_version; systemctl --version; python3 -V").splitlines()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{os.cpu_count()} cores, {processor[1] if processor else platform.machine()}",
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "load before": f"{load:.1f}",
        "gatehouse.django": commit.strip(),
        "controller": f"ansible-core {version('ansible-core')}, Python {platform.python_version()}",
        "host": f"Debian {about[0]}, systemd {about[1].split()[1]}, {about[-1]}",
    }
