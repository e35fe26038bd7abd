"""How long the whole play takes with more and more web hosts."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from benchmarks.fleet import project
from benchmarks.fleet.hosts import BALANCER, DATABASE, SITE, Fleet, cpu_seconds

SAME, CODE = STEPS = ("no change", "code-only deployment")
DEFAULT_FORKS = 5  # ansible-core's; see docs/large-fleets.md


@dataclass(frozen=True)
class Sample:
    """One play: wall seconds, and CPU seconds of the controller, of a web host (the mean), of the other two hosts."""

    count: int
    forks: int
    step: str
    seconds: float
    controller: float
    web: float
    balancer: float
    database: float
    tasks: int
    load: float


def measure(counts: list[int], suite: str) -> Iterator[Sample]:
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        source = project.tiny(work)
        for number, count in enumerate(counts):
            fleet = Fleet(work, count, suite, project.tiny_variables(source))
            if number:
                # A first deployment is not measured. So more hosts begin as copies of one that has a release.
                fleet.copy()
            fleet.boot()
            fleet.play(SITE, "--forks", str(max(DEFAULT_FORKS, count)))
            for forks in sorted({DEFAULT_FORKS, max(DEFAULT_FORKS, count)}):
                yield sample(fleet, SAME, forks)
                project.change(source, f"{count} {forks} {time.time()}")
                yield sample(fleet, CODE, forks)


def sample(fleet: Fleet, step: str, forks: int) -> Sample:
    names = [BALANCER, DATABASE, *fleet.web]
    load = os.getloadavg()[0]
    before = {name: cpu_seconds(name) for name in names}
    played = fleet.play(SITE, "--forks", str(forks))
    used = {name: cpu_seconds(name) - before[name] for name in names}
    changed = [int(number) for number in re.findall(r"-web\d+ .*changed=(\d+)", played.output)]
    if len(changed) != fleet.count or any(bool(number) != (step == CODE) for number in changed):
        sys.exit(f"{step}: changed {changed}\n{played.output[-4000:]}")
    return Sample(
        *(fleet.count, forks, step, played.seconds, played.cpu),
        *(mean(used[name] for name in fleet.web), used[BALANCER], used[DATABASE]),
        *(sum(int(number) for number in re.findall(r" ok=(\d+)", played.output)), load),
    )


HEAD = (
    "web hosts",
    "forks",
    "the whole play",
    "CPU of a web host",
    "of the balancer",
    "of the database's host",
    "of the controller",
    "tasks",
    "load before",
)


def row(one: Sample) -> tuple[str, ...]:
    cpu = (one.web, one.balancer, one.database, one.controller)
    return (
        *(str(one.count), str(one.forks), f"{one.seconds:.1f} s"),
        *(f"{seconds:.1f} s" for seconds in cpu),
        *(str(one.tasks), f"{one.load:.1f}"),
    )
