"""The throwaway host that the benchmark measures on, what it is, and what it notes (see host_files/)."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

NAME = "gatehouse-bench"
NOTES = "/opt/bench"
ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> str:
    return subprocess.run(
        ["podman", "exec", NAME, *command], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def remove() -> None:
    command = ["podman", "rm", "--force", "--ignore", "--time", "0", "--volumes", NAME]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def forget() -> None:
    """Start new notes."""
    run("sh", "-c", f": >{NOTES}/nginx-starts; : >{NOTES}/pythons")


def nginx_starts() -> tuple[int, int]:
    """How often nginx has tested a configuration (-t, -T), and how often it was told to reload."""
    starts = [line.split() for line in run("cat", f"{NOTES}/nginx-starts").splitlines()]
    tests = sum("-t" in words or "-T" in words for words in starts)
    return tests, sum("reload" in words for words in starts)


def modules() -> list[tuple[float, float]]:
    """The Ansible modules that ran with the Python that takes notes, in their order: seconds, and peak memory in MB."""
    lines = [line.split() for line in run("cat", f"{NOTES}/pythons").splitlines()]
    return [(float(seconds), int(kibibytes) * 1024 / 1e6) for seconds, kibibytes in lines]


def get(server_name: str, path: str, wanted: str) -> str:
    """What nginx serves; a reload may take a moment until it serves what is *wanted*."""
    deadline = time.monotonic() + 10
    while True:
        served = run("curl", "--silent", "--header", f"Host: {server_name}", f"http://127.0.0.1{path}")
        if served == wanted or time.monotonic() > deadline:
            return served
        time.sleep(0.1)


def machine(load: float) -> dict[str, str]:
    """What the numbers depend on; *load* is what else the machine was doing."""
    processor = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    describe = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    about = run("sh", "-c", "cat /etc/debian_version; nginx -v 2>&1; systemctl --version; python3 -V").splitlines()
    debian, nginx, systemd, python = about[0], about[1].rpartition("/")[2], about[2].split()[1], about[-1]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{os.cpu_count()} cores, {processor[1] if processor else platform.machine()}",
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "load before": f"{load:.1f}",
        "gatehouse.django": commit.strip(),
        "controller": f"ansible-core {version('ansible-core')}, Python {platform.python_version()}",
        "host": f"Debian {debian}, nginx {nginx}, systemd {systemd}, {python}",
    }
