"""The results as Markdown: the machine, what each step took, what visitors saw of it, and where our time goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

FLOOR, OURS, PLAIN = "empty play", "gatehouse.django.django_app", "the plain way"
FIRST, SAME, CODE, DEPENDENCY, BACK = STEPS = (
    "first deploy",
    "no change",
    "code-only deploy",
    "dependency deploy",
    "way back",
)
MEANING = {
    FIRST: "A host without the app, and without any package in the caches of uv and pip.",
    SAME: "The same again.",
    CODE: "A stylesheet and a Python file have changed.",
    DEPENDENCY: "The same, and one more line in `requirements.txt`.",
    BACK: "The state before: ours has kept the release, the plain way deploys the older code.",
}
HEAD = """# Deploying a Django app

Wall-clock seconds: the median of the rounds, and the lowest to the highest.
[benchmarks/README.md](../README.md) says how it is measured and how to read it.
"""


@dataclass(frozen=True)
class Sample:
    """One run of ansible-playbook, and what a visitor saw meanwhile."""

    contender: str
    step: str
    seconds: float
    live: float | None = None
    asked: int = 0
    failed: int = 0
    longest: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)


def markdown(machine: dict[str, str], samples: list[Sample]) -> str:
    parts = [HEAD, table(("", "measured on"), machine.items())]
    for step in STEPS:
        parts.append(f"## {step.capitalize()}\n\n{MEANING[step]}\n\n{outside(step, samples)}")
    parts.append("## Where our time goes\n\n" + inside(samples))
    parts.append("## The aims\n\n" + table(("aim", "measured", ""), aims(samples)))
    return "\n".join(parts)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---", *("---:" for _column in head[1:])), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def of(samples: list[Sample], contender: str, step: str) -> list[Sample]:
    return [sample for sample in samples if (sample.contender, sample.step) == (contender, step)]


def span(samples: list[Sample], look: Callable[[Sample], float | None]) -> str:
    found = [value for value in map(look, samples) if value is not None]
    if not found:
        return ""
    if len(found) == 1:
        return f"{found[0]:.2f}"
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def outside(step: str, samples: list[Sample]) -> str:
    rows = []
    for contender in (FLOOR, OURS, PLAIN):
        found = of(samples, contender, step)
        if not found:
            continue
        row = [contender, span(found, lambda sample: sample.seconds), span(found, lambda sample: sample.live)]
        if step != FIRST:
            failed, asked = sum(sample.failed for sample in found), sum(sample.asked for sample in found)
            row += [f"{failed} of {asked}", span(found, lambda sample: sample.longest)] if asked else ["", ""]
        rows.append(row)
    more = ("requests that failed", "longest wait") if step != FIRST else ()
    return table(("", "the whole play", "the new release answers after", *more), rows)


def inside(samples: list[Sample]) -> str:
    steps = [step for step in STEPS if any(sample.phases for sample in of(samples, OURS, step))]
    names = dict.fromkeys(name for sample in samples for name in sample.phases)

    def seconds(step: str, name: str) -> float:
        return median(sample.phases.get(name, 0.0) for sample in of(samples, OURS, step))

    rows = [(name, *(f"{seconds(step, name):.2f}" for step in steps)) for name in names]
    sums = [sum(seconds(step, name) for name in names) for step in steps]
    rows.append(("all phases", *(f"{one:.2f}" for one in sums)))
    plays = [median(sample.seconds for sample in of(samples, OURS, step)) for step in steps]
    rows.append(("the rest of the play", *(f"{play - one:.2f}" for play, one in zip(plays, sums, strict=True))))
    return table(("", *steps), rows)


def aims(samples: list[Sample]) -> Iterable[tuple[str, str, str]]:
    ours = [sample for sample in samples if sample.contender == OURS]
    failed = sum(sample.failed for sample in ours)
    yield "no request fails in any deploy", str(failed), verdict(failed == 0)
    live = median(sample.live or 0.0 for sample in of(samples, OURS, CODE))
    yield "a code-only deploy answers within ten seconds", f"{live:.2f} s", verdict(live < 10)
    play = {step: median(sample.seconds for sample in of(samples, OURS, step)) for step in STEPS}
    more = play[SAME] - median(sample.seconds for sample in of(samples, FLOOR, SAME))
    yield "its whole play takes less than ten seconds", f"{play[CODE]:.2f} s", verdict(play[CODE] < 10)
    yield "the whole play of a way back takes less than six seconds", f"{play[BACK]:.2f} s", verdict(play[BACK] < 6)
    yield "without a change it takes less than four seconds more than an empty play", f"{more:.2f} s", verdict(more < 4)


def verdict(met: bool) -> str:
    return "met" if met else "**not met**"
