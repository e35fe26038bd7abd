"""What visitors notice of deployments to a fleet: good ones, those that fail on a host, and the way back."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import lab
from benchmarks.fleet import project
from benchmarks.fleet.hosts import BALANCER, ROLLBACK, SITE, Fleet, Played
from benchmarks.fleet.visitors import KINDS, Load

TIMEOUT = 10  # seconds: how long websockets of a release that is replaced go on
CALM = 3  # seconds of load before and after
GOOD, NO_START, NO_SWITCH, BACK = (
    "deployment",
    "candidate fails on a host",
    "switch fails on the second host",
    "rollback",
)
STEPS = (GOOD, NO_START, NO_SWITCH, BACK)
FAULTS = {NO_START: (project.NO_START, -1), NO_SWITCH: (project.NO_SWITCH, 1)}
ROWS = "from entries.models import Entry; print('\\n'.join(Entry.objects.values_list('name', flat=True)))"


@dataclass(frozen=True)
class Outcome:
    """What visitors saw of one step on *count* web hosts; *missing* are files that a host lacks afterwards."""

    step: str
    count: int
    load: Load
    seconds: float
    lost: int
    twice: int
    missing: tuple[str, ...]


def measure(count: int, suite: str, steps: tuple[str, ...]) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        source = project.guestbook(work)
        fleet = Fleet(work, count, suite, project.variables(source, TIMEOUT))
        fleet.boot()
        project.change(source, f"before {time.time()}")
        fleet.play(SITE)
        for step in steps:
            yield outcome(fleet, step, source)


def outcome(fleet: Fleet, step: str, source: Path) -> Outcome:
    before = served(fleet)
    if step != BACK:
        project.change(source, f"{step} {time.time()}")
    with Load(fleet.addresses[BALANCER]) as load:
        time.sleep(CALM)
        played = run(fleet, step)
        # Websockets of the release before go on for TIMEOUT after its end.
        time.sleep(CALM + TIMEOUT)
    check(fleet, step, played, before)
    rows = Counter(lab.Host(fleet.web[0]).run("/srv/guestbook/manage", "shell", "-v", "0", "-c", ROWS).split())
    lost = sum(acknowledged and not rows[name] for name, acknowledged in load.forms.items())
    twice = sum(rows[name] > 1 for name in load.forms)
    return Outcome(step, fleet.count, load, played.seconds, lost, twice, tuple(missing(fleet, load.files)))


def run(fleet: Fleet, step: str) -> Played:
    if step == BACK:
        return fleet.play(ROLLBACK, "--limit", "web", app="guestbook")
    if step == GOOD:
        return fleet.play(SITE)
    path, number = FAULTS[step]
    host = lab.Host(fleet.web[number])
    host.run("touch", path)
    try:
        return fleet.play(SITE, may_fail=True)
    finally:
        host.run("rm", path)


def served(fleet: Fleet) -> set[str]:
    """The releases that the web hosts serve, without the part that names the host's Python."""
    links = [lab.Host(name).run("readlink", "/srv/guestbook/current") for name in fleet.web]
    return {link.rpartition("/")[2].partition("-")[0] for link in links}


def check(fleet: Fleet, step: str, played: Played, before: set[str]) -> None:
    """A measurement of a step that did something else would say nothing."""
    after, fails = served(fleet), step in FAULTS
    if bool(played.code) != fails or len(after) != 1 or (after == before) != fails:
        sys.exit(f"{step}: code {played.code}, {before} was served, {after} is\n{played.output[-6000:]}")
    reason = {NO_START: "does not answer on all", NO_SWITCH: "could not be put into service on all"}.get(step, "")
    if reason not in re.sub(r"\s+", " ", played.output):
        sys.exit(f"{step}: it failed for another reason\n{played.output[-6000:]}")


def missing(fleet: Fleet, files: set[str]) -> Iterator[str]:
    """The files, of all that a page has named meanwhile, that a web host does not send to the balancer."""
    for name in fleet.web:
        urls = [f"http://{fleet.addresses[name]}{file}" for file in sorted(files)]
        options = ["--silent", "--header", f"Host: {project.NAME}", "--write-out", "%{http_code} %{url}\\n"]
        silent = [word for _url in urls for word in ("--output", "/dev/null")]
        answers = lab.Host(BALANCER).run("curl", *options, *silent, *urls).splitlines()
        yield from (f"{name}: {answer}" for answer in answers if not answer.startswith("200 "))


HEAD = (
    "step",
    "web hosts",
    "requests",
    "failed",
    "longest answer",
    "torn pages",
    "forms lost",
    "twice",
    "websockets cut",
)


def row(one: Outcome) -> tuple[str, ...]:
    load = one.load
    quick = [each for each in load.requests if each.kind in ("GET", "kept", "form")]
    failed = Counter(f"{each.kind} {each.problem}" for each in load.requests if each.problem)
    causes = ", ".join(f"{count} {cause}" for cause, count in failed.items())
    return (
        one.step,
        str(one.count),
        f"{len(load.requests):,}",
        f"{sum(failed.values())}" + (f" ({causes})" if causes else ""),
        f"{max(each.end - each.begin for each in quick):.2f} s",
        str(len(load.torn) + len(one.missing)),
        str(one.lost),
        str(one.twice),
        f"{len(load.cut)} of {KINDS['websocket'] + len(load.cut)}",
    )


def by_kind(outcomes: list[Outcome]) -> Iterator[tuple[str, ...]]:
    """For each kind of visitor: requests and the longest of them, over all steps."""
    for kind in KINDS:
        found = [each for one in outcomes for each in one.load.requests if each.kind == kind]
        failed = sum(bool(each.problem) for each in found)
        longest = "" if kind == "websocket" else f"{max(each.end - each.begin for each in found):.2f} s"
        yield kind, f"{len(found):,}", str(failed), longest
