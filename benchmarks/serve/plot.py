"""The results as an SVG: CPU time per request as ratios, and the good client's 99th percentile beside slow clients."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.converge.plot import STYLE, Scale, footer, text
from benchmarks.serve.report import base, ratio
from benchmarks.serve.samples import CASES, SLOW, Results
from benchmarks.serve.servers import SERVERS

WIDTH, ROW, LEFT, RIGHT = 1000, 18, 230, 900
FAILED = "fails"


def svg(results: Results) -> str:
    parts: list[str] = []
    y = 40
    parts.append(text(30, y, "CPU time per request: 1.00 is the server that is named (lower is better)", "title"))
    for case in CASES:
        y += 34
        parts.append(text(30, y, f"{case}: 1.00 is {base(case)}", "head"))
        values = {name: found for name in SERVERS if (found := ratio(results, name, case))}
        for line in bars(values, y):
            parts.append(line)
        y += ROW * len(values)
    y += 50
    parts.append(text(30, y, "99th percentile of a good client beside slow ones (lower is better)", "title"))
    for kind in SLOW:
        y += 34
        most = max(one.count for one in results.crowds if one.kind == kind)
        parts.append(text(30, y, f"{most:,} slow {kind}: milliseconds", "head"))
        chosen = [one for one in results.crowds if (one.kind, one.count) == (kind, most)]
        values = {one.server: one.p99 if one.p99 and not one.failed else None for one in chosen}
        for line in bars(values, y):
            parts.append(line)
        y += ROW * len(values)
    height = y + 110
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<style>{STYLE} rect.bar {{ fill: var(--c); }}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
    ]
    return "\n".join([*head, *parts, *footer(results.machine, height), "</svg>\n"])


def bars(values: dict[str, float | None], y: float) -> Iterator[str]:
    """One bar for each server, on a logarithmic scale; a server that failed requests has none."""
    known = [value for value in values.values() if value]
    low = min([*known, 1.0]) / 2
    across = Scale(low, max([*known, 2.0]), LEFT, RIGHT)
    for number, (name, value) in enumerate(values.items()):
        top = y + 8 + ROW * number
        yield text(LEFT - 8, top + 11, name, "value", "end")
        if value is None:
            yield text(LEFT + 4, top + 11, FAILED, "soft")
            continue
        width = max(1, across(value) - LEFT)
        yield f'<g class="c{list(SERVERS).index(name) % 5}">'
        yield f'<rect class="bar" x="{LEFT}" y="{top}" width="{width:.0f}" height="{ROW - 5}"/></g>'
        yield text(LEFT + width + 6, top + 11, f"{value:.3g}", "value")
