"""The results as Markdown: the machine, the times, the counts, the aims, and where our own time goes."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from benchmarks.converge.contenders import FLOOR, MODULES, OURS, STEPS, Contender, Sample

HEAD = """# Converging N sites

Wall-clock seconds of the whole `ansible-playbook` process: the median of the rounds, and the lowest to the highest.
[benchmarks/README.md](../README.md) says how it is measured and how to read it.

![The same numbers as a plot](converge.svg)
"""
COUNTS = """## What nginx was asked for

How often nginx tested a configuration (`nginx -t`) and how often it was told to reload, in one run of any size.

"""


def markdown(
    machine: dict[str, str], known: list[Contender], sites: list[int], samples: list[Sample], profiled: list[dict]
) -> str:
    parts = [HEAD, table(("", "measured on"), machine.items())]
    for step in STEPS:
        rows = ((contender.title, *(cell(contender, count, step, samples) for count in sites)) for contender in known)
        head = ("", *(f"{count:,} {noun(count)}" for count in sites))
        parts.append(f"## {step.capitalize()}\n\n{table(head, rows)}")
    largest = f"{max(sites):,} {noun(max(sites))}"
    parts += [
        COUNTS + table(("", *STEPS), counts(known, samples)),
        "## The aims\n\n" + table(("aim", "measured", ""), aims(sites, samples, profiled)),
        f"## Where our time goes at {largest}\n\n" + breakdown(profiled),
    ]
    return "\n".join(parts)


def noun(count: int) -> str:
    return "site" if count == 1 else "sites"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---", *("---:" for _column in head[1:])), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def seconds(samples: list[Sample], title: str, count: int, step: str) -> list[float]:
    wanted = (title, count, step)
    return [sample.seconds for sample in samples if (sample.contender, sample.sites, sample.step) == wanted]


def cell(contender: Contender, count: int, step: str, samples: list[Sample]) -> str:
    if contender.role == "":
        return "not given"
    found = seconds(samples, contender.title, count, step)
    if not found:
        return "not run without `FULL=1`"
    if len(found) == 1:
        return f"{found[0]:.2f} (once)"
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def counts(known: list[Contender], samples: list[Sample]) -> Iterable[tuple[str, ...]]:
    for contender in known:
        found = [sample for sample in samples if sample.contender == contender.title]
        if found and contender.title != FLOOR:
            steps = ([sample for sample in found if sample.step == step] for step in STEPS)
            yield (
                contender.title,
                *(f"{span(s.tests for s in step)} and {span(s.reloads for s in step)}" for step in steps),
            )


def span(numbers: Iterable[int]) -> str:
    found = sorted(set(numbers))
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"


def aims(sites: list[int], samples: list[Sample], profiled: list[dict]) -> Iterable[tuple[str, str, str]]:
    """Each aim, its number, and whether it is met; an aim about sizes that were not measured is left open."""

    def took(title: str, count: int, step: str) -> float:
        return median(seconds(samples, title, count, step))

    ours = [sample for sample in samples if sample.contender == OURS]
    if {1, 100} <= set(sites):
        for step in STEPS:
            ratio = took(OURS, 100, step) / took(OURS, 1, step)
            yield f"{step}: 100 sites at most 1.3 times as long as one", f"{ratio:.2f} times", verdict(ratio <= 1.3)
    count = max(sites)
    largest = f"{count:,} {noun(count)}"
    more = took(OURS, count, STEPS[1]) - took(FLOOR, count, STEPS[1])
    memory = max(memory for step in profiled for _seconds, memory in step["modules"])
    yield f"no change, {largest}: under 2 s more than an empty play", f"{more:.2f} s", verdict(more < 2)
    tests, reloads = max(sample.tests for sample in ours), max(sample.reloads for sample in ours)
    yield "at most one `nginx -t` in any run", str(tests), verdict(tests <= 1)
    yield "at most one reload in any run", str(reloads), verdict(reloads <= 1)
    yield f"module memory at {largest} under 100 MB", f"{memory:.0f} MB", verdict(memory < 100)


def verdict(met: bool) -> str:
    return "met" if met else "**not met**"


def breakdown(profiled: list[dict]) -> str:
    rows = []
    for step in profiled:
        inside = [f"{taken:.2f} s, {memory:.0f} MB" for taken, memory in step["modules"]]
        rest = step["task"] - sum(taken for taken, _memory in step["modules"])
        rows.append((step["step"], f"{step['task']:.2f} s", *inside, f"{rest:.2f} s"))
    return table(("", "the task", *(f"module {name}" for name in MODULES), "action plugin and connection"), rows)
