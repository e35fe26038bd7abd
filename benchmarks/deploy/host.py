"""The throwaway host that the benchmark deploys to, and what is taken off it between the rounds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.lab import Host

HOST = Host("gatehouse-bench-deploy")
REPOSITORY = "/srv/git/guestbook.git"


def address() -> str:
    return HOST.run("hostname", "--all-ip-addresses").split()[0]


def install(repository: Path) -> None:
    """Put the repository where both ways pull from."""
    HOST.run("mkdir", "-p", str(Path(REPOSITORY).parent))
    subprocess.run(["podman", "cp", repository, f"{HOST.name}:{REPOSITORY}"], check=True)
    HOST.run("chown", "-R", "root:root", REPOSITORY)


def point(tag: str) -> None:
    """What `main` is from now on."""
    HOST.run("git", "--git-dir", REPOSITORY, "update-ref", "refs/heads/main", f"refs/tags/{tag}")


def forget() -> None:
    """Without the plain way's app, and with no package in any cache: as on a new host. Ours knows how to go."""
    HOST.run(
        "sh",
        "-c",
        "systemctl disable --quiet --now plain.service 2>/dev/null; userdel plain 2>/dev/null;"
        "rm -rf /srv/plain /etc/systemd/system/plain.service; systemctl daemon-reload;"
        "rm -rf /opt/gatehouse /root/.cache/pip;"
        "find /root/.cache/uv -mindepth 1 -delete 2>/dev/null; true",
    )


def main_process(unit: str) -> str:
    """When the newest process of the unit started; nothing changes it but a restart."""
    return HOST.run("systemctl", "show", "--property=ExecMainStartTimestampMonotonic", "--value", unit)
