"""What the benchmarks have in common: a throwaway host, plays on it, and what their numbers depend on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
ENVIRONMENT = os.environ | {
    "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_PIPELINING": "true",
}


class Host:
    """A throwaway container, by its name; the benchmark's playbook `prepare` boots it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, *command: str) -> str:
        """Standard output of a command on the host, which must succeed."""
        argv = ["podman", "exec", self.name, *command]
        return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def commit(self, image: str) -> None:
        """Keep the host's files as an image."""
        subprocess.run(["podman", "commit", "--quiet", self.name, image], check=True, stdout=subprocess.DEVNULL)

    def remove(self) -> None:
        argv = ["podman", "rm", "--force", "--ignore", "--time", "0", "--volumes", self.name]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)

    def versions(self) -> str:
        """What the host runs."""
        looks = "cat /etc/debian_version; nginx -v 2>&1; systemctl --version | head -n 1; python3 -V"
        debian, nginx, systemd, python = self.run("sh", "-c", looks).splitlines()
        return f"Debian {debian}, nginx {nginx.rpartition('/')[2]}, systemd {systemd.split()[1]}, {python}"


def play(playbook: Path, inventory: Path, *options: str, **environment: str) -> tuple[float, str]:
    """Run a playbook, which must succeed: the seconds of the whole process, and what it printed."""
    _code, seconds, output = run_play(playbook, inventory, *options, **environment)
    return seconds, output


def run_play(
    playbook: Path, inventory: Path, *options: str, may_fail: bool = False, **environment: str
) -> tuple[int, float, str]:
    """Run a playbook: its exit code, the seconds of the whole process, and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(
        ["ansible-playbook", "-i", inventory, *options, playbook],
        cwd=ROOT,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode and not may_fail:
        sys.exit(f"The playbook {playbook.stem} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.returncode, seconds, done.stdout


def succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def machine(host: Host, load: float) -> dict[str, str]:
    """What the numbers depend on; *load* is what else the machine was doing."""
    processor = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    describe = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{os.cpu_count()} cores, {processor[1] if processor else platform.machine()}",
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "load before": f"{load:.1f}",
        "gatehouse.django": commit.strip(),
        "controller": f"ansible-core {version('ansible-core')}, Python {platform.python_version()}",
        "host": host.versions(),
    }
