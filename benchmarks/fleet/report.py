"""The results as Markdown. A part that was not measured again stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.converge.report import table
from benchmarks.fleet import deployments, growth
from benchmarks.fleet.deployments import Outcome
from benchmarks.fleet.growth import Sample

TITLE = """# A fleet of web hosts

[benchmarks/README.md](../README.md) says how it is measured and how to read it.
"""
LOAD = "## What visitors notice of a deployment"
TIME = "## The time of a play with more and more web hosts"


def load(machine: dict[str, str], outcomes: list[Outcome]) -> str:
    return "\n".join(
        [
            LOAD,
            "",
            table(("", "measured on"), machine.items()),
            table(deployments.HEAD, map(deployments.row, outcomes)),
            "All steps together, by kind of visitor:\n",
            table(("visitor", "requests", "failed", "longest answer"), deployments.by_kind(outcomes)),
        ]
    )


def time(machine: dict[str, str], samples: list[Sample]) -> str:
    parts = [TIME, "", "![The same numbers as a plot](fleet.svg)\n", table(("", "measured on"), machine.items())]
    for step in growth.STEPS:
        rows = (growth.row(one) for one in samples if one.step == step)
        parts.append(f"### {step.capitalize()}\n\n{table(growth.HEAD, rows)}")
    return "\n".join(parts)


def write(file: Path, parts: Iterable[str]) -> None:
    """Replace the parts in the file, which begin with a heading of the second level."""
    text = file.read_text(encoding="utf-8") if file.exists() else TITLE
    title, *kept = text.split("\n## ")
    found = {part.partition("\n")[0]: f"## {part.strip()}\n" for part in kept}
    found |= {part.partition("\n")[0].removeprefix("## "): f"{part.strip()}\n" for part in parts}
    ordered = [found[heading.removeprefix("## ")] for heading in (LOAD, TIME) if heading.removeprefix("## ") in found]
    file.write_text("\n".join([f"{title.strip()}\n", *ordered]), encoding="utf-8")
