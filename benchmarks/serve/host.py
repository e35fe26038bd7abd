"""The throwaway host: what its units have used, and the clients that run on it."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

from benchmarks.lab import Host
from benchmarks.serve.servers import Server

HOST = Host("gatehouse-bench-serve")
TOOLS = "/opt/bench"


@cache
def _control_group(unit: str) -> str:
    group = HOST.run("systemctl", "show", "--property=ControlGroup", "--value", unit)
    if not group:
        sys.exit(f"{unit} does not run")
    return group


def cpu_seconds(server: Server) -> float:
    """The CPU time of the server's units since their start (cgroup-v2, cpu.stat)."""
    files = [f"/sys/fs/cgroup{_control_group(unit)}/cpu.stat" for unit in server.units]
    lines = HOST.run("grep", "-h", "^usage_usec ", *files).splitlines()
    return sum(int(line.split()[1]) for line in lines) / 1e6


def wrk(server: Server, path: str, length: int, seconds: int, header: str = "") -> dict[str, Any]:
    """Ask for *path* over 32 connections and count the responses whose body has not *length* bytes."""
    url = f"http://127.0.0.1:{server.port}{path}"
    options = ["-t1", "-c32", f"-d{seconds}s", "-s", f"{TOOLS}/verify.lua", "-H", f"Host: {server.name}"]
    text = HOST.run("wrk", *options, url, "--", str(length), *([header] if header else []))
    return json.loads(text.splitlines()[-1])


def client(name: str, *arguments: object) -> dict[str, Any]:
    """Run one of the clients in `host_files`, which prints its result as JSON."""
    return json.loads(HOST.run("python3", f"{TOOLS}/{name}.py", *map(str, arguments)).splitlines()[-1])


def is_running() -> bool:
    """Whether the host was kept by an earlier run."""
    argv = ["podman", "container", "exists", HOST.name]
    return subprocess.run(argv, check=False).returncode == 0
