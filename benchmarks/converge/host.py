"""The throwaway host that the benchmark measures on, and what it notes (see host_files/)."""

from __future__ import annotations

import time

from benchmarks.lab import Host

HOST = Host("gatehouse-bench")
NOTES = "/opt/bench"


def forget() -> None:
    """Start new notes."""
    HOST.run("sh", "-c", f": >{NOTES}/nginx-starts; : >{NOTES}/pythons")


def nginx_starts() -> tuple[int, int]:
    """How often nginx has tested a configuration (-t, -T), and how often it was told to reload."""
    starts = [line.split() for line in HOST.run("cat", f"{NOTES}/nginx-starts").splitlines()]
    tests = sum("-t" in words or "-T" in words for words in starts)
    return tests, sum("reload" in words for words in starts)


def modules() -> list[tuple[float, float]]:
    """The Ansible modules that ran with the Python that takes notes, in their order: seconds, and peak memory in MB."""
    lines = [line.split() for line in HOST.run("cat", f"{NOTES}/pythons").splitlines()]
    return [(float(seconds), int(kibibytes) * 1024 / 1e6) for seconds, kibibytes in lines]


def get(server_name: str, path: str, wanted: str) -> str:
    """What nginx serves; a reload may take a moment until it serves what is *wanted*."""
    deadline = time.monotonic() + 10
    while True:
        served = HOST.run("curl", "--silent", "--header", f"Host: {server_name}", f"http://127.0.0.1{path}")
        if served == wanted or time.monotonic() > deadline:
            return served
        time.sleep(0.1)
