"""make bench-data: what do a backup and a restore of 1 GB cost, compared with pg_dump and tar, and what is noticed?

Boots a throwaway host, fills the guestbook, backs it up and restores it in both ways in turns, and writes the
results. Needs to run through lab/enter.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import lab
from benchmarks.data import host
from benchmarks.data.host import HOST
from benchmarks.data.report import BACKUPS, DRILL, NEWEST, OURS, PLAIN, RESTORE, SPREAD, Sample, markdown
from benchmarks.data.visitor import Visitor

HERE = Path(__file__).resolve().parent
BASELINE_SECONDS = 60
CHANGES = {NEWEST: host.NEWEST, SPREAD: host.SPREAD}
WARM_UP_SECONDS = 5


def play(name: str) -> None:
    lab.play(HERE / "playbooks" / f"{name}.yml", HERE / "inventory.yml")


def run_plain(what: str, number: int) -> None:
    HOST.run("systemd-run", "--quiet", "--wait", "plain", what, str(number))


class Benchmark:
    """The steps on the prepared host; `samples` are what they took."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.samples: list[Sample] = []
        with Visitor(address):
            time.sleep(WARM_UP_SECONDS)
        used = host.cpu()
        with Visitor(address) as self.before:
            time.sleep(BASELINE_SECONDS)
        # What one request costs, with everything that is always there.
        self._each = (host.cpu() - used) / len(self.before.seconds)

    def step(self, contender: str, step: str, work: Callable[[], object]) -> None:
        """Do the *work* under a visitor. Its CPU seconds are those of the host, without the visitor's requests."""
        HOST.run("sync")
        started, used = time.perf_counter(), host.cpu()
        with Visitor(self._address) as visitor:
            work()
            seconds = time.perf_counter() - started
        cpu = host.cpu() - used - self._each * len(visitor.seconds)
        sizes = host.sizes_of_ours() if contender == OURS else host.sizes_of_plain()
        self.samples.append(Sample(contender, step, seconds, cpu, sizes, visitor))
        print(f"{contender:<18} {step:<30} {seconds:6.1f} s, {cpu:6.1f} s of CPU, {sizes[0]:,.0f} MB", flush=True)

    def backups(self) -> None:
        for number, step in enumerate(BACKUPS):
            if step in CHANGES:
                host.change(CHANGES[step])
            self.step(OURS, step, partial(HOST.run, "systemctl", "start", "gatehouse-backup@guestbook"))
            self.step(PLAIN, step, partial(run_plain, "backup", number))

    def restores(self) -> None:
        """All rows and files are lost, and come back."""
        wanted = host.fingerprint()
        self.step(OURS, DRILL, partial(HOST.run, "systemctl", "start", "gatehouse-drill@guestbook"))
        for contender, work in (
            (OURS, partial(play, "restore")),
            (PLAIN, partial(run_plain, "restore", len(BACKUPS) - 1)),
        ):
            host.change(host.NEWEST)
            self.step(contender, RESTORE, work)
            if host.fingerprint() != wanted:
                sys.exit(f"{contender}: the data after the restore are not those of the backup")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=lab.RESULTS, help="the directory to write to")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    HOST.remove()
    try:
        print("Booting the host", flush=True)
        play("prepare")
        host.stop_timers()
        data = host.fill()
        print(data, flush=True)
        machine = lab.machine(HOST, load) | {"data": data, "tools": host.tools()}
        benchmark = Benchmark(host.address())
        benchmark.backups()
        benchmark.restores()
        machine["load after"] = f"{os.getloadavg()[0]:.1f}"
        drill = host.record("drill")
        notes = {"a drill's restore of the database": f"{drill['restore']:.1f} s of {drill['seconds']:.1f} s"}
    finally:
        HOST.remove()
    text = markdown(machine, benchmark.before, benchmark.samples, notes)
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "data.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
