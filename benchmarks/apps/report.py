"""The results as Markdown: the machine, what each run took, and the memory of the host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

FIRST, SAME, ONE, DOCTOR = STEPS = ("first run", "no change", "one app", "doctor")
HEAD = """# Many apps on one host

Each line is one run of the playbook `site`, or of `doctor`. [benchmarks/README.md](../README.md) says how they are
measured.
"""
SMALL = 5.0  # MB


@dataclass(frozen=True)
class Sample:
    """One run of ansible-playbook: its seconds, and the seconds of CPU time on the host and of Ansible itself."""

    step: str
    apps: int
    sites: int
    seconds: float
    host: float
    controller: float


def markdown(machine: dict[str, str], samples: list[Sample], sizes: dict[int, dict[str, float]]) -> str:
    rows = map(row, samples)
    head = ("run", "apps", "sites", "seconds", "CPU seconds of the host", "of Ansible", "CPU seconds for each app")
    parts = [HEAD, table(("", "measured on"), machine.items()), table(head, rows), further(samples)]
    return "\n".join([*parts, "## Memory\n", memory(sizes)])


def row(one: Sample) -> tuple[str, ...]:
    cost = (one.host + one.controller) / one.apps
    return (
        one.step,
        str(one.apps),
        str(one.sites),
        f"{one.seconds:.0f}",
        f"{one.host:.1f}",
        f"{one.controller:.1f}",
        f"{cost:.2f}",
    )


def further(samples: list[Sample]) -> str:
    """What each further app costs."""
    text = ""
    for step in (FIRST, SAME, DOCTOR):
        found = [one for one in samples if one.step == step]
        few, many = found[0], found[-1]
        if many.apps > few.apps:
            cost = (many.host + many.controller - few.host - few.controller) / (many.apps - few.apps)
            seconds = (many.seconds - few.seconds) / (many.apps - few.apps)
            text += f"- {step}, each further app: {seconds:.1f} s, {cost:.1f} s of CPU time.\n"
    return text


def memory(sizes: dict[int, dict[str, float]]) -> str:
    names = sorted({name for found in sizes.values() for name, size in found.items() if size >= SMALL})
    rows = [(f"{count} apps", *(f"{found.get(name, 0):.0f}" for name in names)) for count, found in sizes.items()]
    return "Proportional set size in MB of all processes of a name.\n\n" + table(("", *names), rows)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---", *("---:" for _column in head[1:])), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
