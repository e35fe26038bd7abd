"""The seconds of a play over the number of web hosts, as an SVG: wall time, and CPU time of one web host."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.converge.plot import GAP, HEIGHT, LEFT, PANEL, STYLE, TOP, WIDTH, Scale, footer, legend, text
from benchmarks.fleet.growth import DEFAULT_FORKS, STEPS, Sample

BOTTOM = 340
LINES = [(step, default) for step in STEPS for default in (True, False)]
PANELS: list[tuple[str, Callable[[Sample], float]]] = [
    ("Seconds of the whole play", lambda one: one.seconds),
    ("CPU seconds of one web host", lambda one: one.web),
    ("CPU seconds of the controller", lambda one: one.controller),
]


def svg(machine: dict[str, str], samples: list[Sample]) -> str:
    titles = [f"{step}, {'forks=5 (the default)' if default else 'forks: all hosts'}" for step, default in LINES]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        text(LEFT, 30, "A play over N web hosts that share two cores with the controller", "title"),
        *legend(titles),
        *(line for number, (title, value) in enumerate(PANELS) for line in panel(number, title, value, samples)),
        *footer(machine),
        "</svg>\n",
    ]
    return "\n".join(parts)


def panel(number: int, title: str, value: Callable[[Sample], float], samples: list[Sample]) -> Iterator[str]:
    left = LEFT + number * (PANEL + GAP)
    counts = sorted({one.count for one in samples})
    values = [value(one) for one in samples]
    high = _ceiling(max(values))
    across = Scale(counts[0], counts[-1], left, left + PANEL)
    yield text(left, TOP - 14, title, "head")
    for part in range(5):
        y = BOTTOM - part * (BOTTOM - TOP) / 4
        yield f'<line class="grid" x1="{left}" y1="{y}" x2="{left + PANEL}" y2="{y}"/>'
        yield text(left - 8, y + 4, f"{high * part / 4:g} s", "soft", "end")
    for count in counts:
        yield text(across(count), BOTTOM + 18, str(count), "soft", "middle")
    yield text(left + PANEL / 2, BOTTOM + 38, "web hosts", "soft", "middle")
    for colour, (step, default) in enumerate(LINES):
        found = [one for one in samples if one.step == step and one.forks == _forks(one.count, default)]
        points = [(one.count, value(one)) for one in sorted(found, key=lambda one: one.count)]
        places = [(across(count), round(BOTTOM - seconds / high * (BOTTOM - TOP), 1)) for count, seconds in points]
        yield f'<g class="c{colour}"><polyline points="{" ".join(f"{x},{y}" for x, y in places)}"/>'
        for (count, seconds), (x, y) in zip(points, places, strict=True):
            yield f'<circle cx="{x}" cy="{y}" r="4"><title>{step}, {count} hosts: {seconds:.1f} s</title></circle>'
        yield "</g>"


def _forks(count: int, default: bool) -> int:
    return DEFAULT_FORKS if default else max(DEFAULT_FORKS, count)


def _ceiling(value: float) -> float:
    """The next number of the form 1, 2, 4 or 8 times a power of ten that is no smaller."""
    return next(step * 10**power for power in range(-2, 5) for step in (1, 2, 4, 8) if step * 10**power >= value)
