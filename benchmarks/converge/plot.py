"""The results as an SVG: one panel for each step, both axes logarithmic, legible on light and on dark pages."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import ceil, floor, log10
from statistics import median

from benchmarks.converge.contenders import STEPS, Contender, Sample

WIDTH, HEIGHT = 1000, 510
TOP, BOTTOM = 110, 340
PANEL, GAP, LEFT = 245, 65, 70
# The colours of Okabe and Ito's palette that keep their contrast on both backgrounds.
STYLE = """
svg { font: 13px system-ui, sans-serif; --page: #fff; --ink: #1f2328; --soft: #59636e; --grid: #d8dee4; }
@media (prefers-color-scheme: dark) { svg { --page: #0d1117; --ink: #e6edf3; --soft: #9198a1; --grid: #30363d; } }
.page { fill: var(--page); } text { fill: var(--ink); } .soft { fill: var(--soft); font-size: 12px; }
.title { font-size: 17px; font-weight: 600; } .head { font-weight: 600; } .grid { stroke: var(--grid); }
polyline { fill: none; stroke-width: 2.5; }
.c0 { --c: #868e96; } .c1 { --c: #0090d6; } .c2 { --c: #d97706; } .c3 { --c: #009e73; } .c4 { --c: #c060a1; }
polyline, .key { stroke: var(--c); } circle { fill: var(--c); } .value { font-size: 12px; }
"""


# By contender and step, then by number of sites.
Medians = dict[tuple[str, str], dict[int, float]]


class Scale:
    """A logarithmic axis from *low* to *high* between two coordinates."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.per_decade, self.start = log10(low), (end - start) / (log10(high / low) or 1), start

    def __call__(self, value: float) -> float:
        return round(self.start + (log10(value) - self.low) * self.per_decade, 1)


def svg(machine: dict[str, str], known: list[Contender], samples: list[Sample]) -> str:
    medians: Medians = {}
    for step in STEPS:
        for contender in known:
            runs = [one for one in samples if (one.contender, one.step) == (contender.title, step)]
            by_size = {one.sites: median(other.seconds for other in runs if other.sites == one.sites) for one in runs}
            medians[contender.title, step] = dict(sorted(by_size.items()))
    measured = [contender.title for contender in known if medians[contender.title, STEPS[0]]]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        text(LEFT, 30, "Seconds to converge N nginx sites (lower is better)", "title"),
        *legend(measured),
        *(line for number, step in enumerate(STEPS) for line in panel(number, step, measured, medians)),
        *footer(machine),
        "</svg>\n",
    ]
    return "\n".join(parts)


def text(x: float, y: float, content: str, style: str = "", anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(content)}</text>'


def legend(measured: list[str]) -> Iterator[str]:
    x = LEFT
    for number, title in enumerate(measured):
        yield f'<g class="c{number}"><line class="key" x1="{x}" y1="56" x2="{x + 24}" y2="56" stroke-width="3"/></g>'
        yield text(x + 30, 60, title)
        x += 60 + 7 * len(title)


def panel(number: int, step: str, measured: list[str], medians: Medians) -> Iterator[str]:
    left = LEFT + number * (PANEL + GAP)
    sizes = sorted({size for by_size in medians.values() for size in by_size})
    times = [seconds for by_size in medians.values() for seconds in by_size.values()]
    decades = range(floor(log10(min(times))), ceil(log10(max(times))) + 1)
    across = Scale(sizes[0], sizes[-1], left, left + PANEL)
    up = Scale(10 ** decades[0], 10 ** decades[-1], BOTTOM, TOP)
    yield text(left, TOP - 14, step.capitalize(), "head")
    for decade in decades:
        y = up(10**decade)
        yield f'<line class="grid" x1="{left}" y1="{y}" x2="{left + PANEL}" y2="{y}"/>'
        if number == 0:
            yield text(left - 8, y + 4, f"{10.0**decade:g} s", "soft", "end")
    for size in sizes:
        yield f'<line class="grid" x1="{across(size)}" y1="{TOP}" x2="{across(size)}" y2="{BOTTOM}"/>'
        yield text(across(size), BOTTOM + 18, f"{size:,}", "soft", "middle")
    yield text(left + PANEL / 2, BOTTOM + 38, "sites", "soft", "middle")
    for colour, title in enumerate(measured):
        points = [(size, seconds, across(size), up(seconds)) for size, seconds in medians[title, step].items()]
        yield f'<g class="c{colour}">'
        yield f'<polyline points="{" ".join(f"{x},{y}" for _size, _seconds, x, y in points)}"/>'
        for size, seconds, x, y in points:
            label = f"{escape(title)}, {size:,} sites: {seconds:.2f} s"
            yield f'<circle cx="{x}" cy="{y}" r="4"><title>{label}</title></circle>'
        yield "</g>"
        _size, seconds, x, y = points[-1]
        yield text(x + 9, y + 4, f"{seconds:.3g} s", "value")


def footer(machine: dict[str, str], height: float = HEIGHT) -> Iterator[str]:
    lines = (
        f"{machine['date']}; {machine['processor']}, {machine['memory']}, Linux {machine['kernel']}",
        f"Controller: {machine['controller']}, gatehouse.django {machine['gatehouse.django']}.",
        f"Host: {machine['host']}.",
        "Medians. What is not drawn was not measured.",
    )
    for number, line in enumerate(lines):
        yield text(LEFT, height - 80 + 18 * number, line, "soft")
