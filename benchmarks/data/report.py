"""The results as Markdown: the machine, what each step took, what is stored, and what visitors noticed."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.data.visitor import Visitor
from benchmarks.deploy.report import table

OURS, PLAIN = "gatehouse.django", "pg_dump and tar"
FIRST, SAME, NEWEST, SPREAD, RESTORE, DRILL = STEPS = (
    "first backup",
    "nothing changed",
    "1 % changed, the newest rows",
    "1 % changed, rows everywhere",
    "restore of the whole app",
    "drill",
)
BACKUPS = STEPS[:4]
HEAD = """# Backing up and restoring a Django app

Each step ran once. [benchmarks/README.md](../README.md) says how it is measured and how to read it.
"""


@dataclass(frozen=True)
class Sample:
    """One step: its seconds, the CPU seconds of the host, the MB that are new and that are stored, and its visitor."""

    contender: str
    step: str
    seconds: float
    cpu: float
    sizes: tuple[float, float]
    visitor: Visitor


def markdown(machine: dict[str, str], before: Visitor, samples: list[Sample], notes: dict[str, str]) -> str:
    return "\n".join(
        [
            HEAD,
            table(("", "measured on"), machine.items()),
            "## Seconds, and CPU seconds\n",
            table(("", *_heads("{}, seconds"), *_heads("{}, CPU"), "CPU of ours / plain"), map_steps(samples)),
            "## What is stored afterwards\n",
            "MB. `keep` leaves one snapshot a day, so those of the steps before go; the plain way keeps all.\n",
            table(("", f"{OURS}: new, before compression", "stored", f"{PLAIN}: new", "stored"), stored(samples)),
            "## What visitors noticed\n",
            table(("", "requests", "failed", "median, ms", "99 %, ms", "app gone for, s"), visits(before, samples)),
            "## Of the last run\n",
            table(("", ""), notes.items()),
        ]
    )


def _heads(form: str) -> list[str]:
    return [form.format(name) for name in (OURS, PLAIN)]


def _of(samples: list[Sample], step: str) -> dict[str, Sample]:
    return {sample.contender: sample for sample in samples if sample.step == step}


def map_steps(samples: list[Sample]) -> list[list[str]]:
    rows = []
    for step in STEPS:
        found = _of(samples, step)
        pair = [found.get(name) for name in (OURS, PLAIN)]
        ratio = f"{pair[0].cpu / pair[1].cpu:.2f}" if pair[0] and pair[1] else ""
        rows.append(
            [step, *(f"{one.seconds:.1f}" if one else "" for one in pair)]
            + [f"{one.cpu:.1f}" if one else "" for one in pair]
            + [ratio]
        )
    return rows


def stored(samples: list[Sample]) -> list[list[str]]:
    return [
        [step, *(f"{size:,.0f}" for name in (OURS, PLAIN) for size in _of(samples, step)[name].sizes)]
        for step in BACKUPS
    ]


def visits(before: Visitor, samples: list[Sample]) -> list[list[str]]:
    rows = [_visit("nothing else runs", before)]
    for step in STEPS:
        rows += [_visit(f"{step}, {one.contender}", one.visitor) for one in _of(samples, step).values()]
    return rows


def _visit(what: str, visitor: Visitor) -> list[str]:
    asked = len(visitor.seconds) + visitor.failed
    times = [f"{1000 * seconds:.0f}" for seconds in (visitor.median, visitor.p99)]
    return [what, str(asked), str(visitor.failed), *times, f"{visitor.gone:.1f}" if visitor.gone else ""]
