"""The results as Markdown: ratios of one run, and the aims with what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks.deploy.report import table, verdict
from benchmarks.serve.samples import CASES, DYNAMIC, SCRIPT, SLOW, SMALL, Crowd, Results
from benchmarks.serve.servers import GUNICORN, OURS, SERVERS, TUNED

HEAD = """# Serving a Django app

CPU time per request as a ratio to nginx tuned by hand, the median of the rounds, and beside it the requests per second
as such a ratio. [benchmarks/README.md](../README.md) says how it is measured and how to read it.

![The same numbers as a plot](serve.svg)
"""


def cpu(results: Results, server: str, case: str) -> float | None:
    """Microseconds of CPU time per request: the median of the rounds."""
    found = [one.cpu for one in results.costs if (one.server, one.case) == (server, case)]
    return median(found) if found else None


def rate(results: Results, server: str, case: str) -> float | None:
    """Requests per second: the median of the rounds."""
    found = [one.rate for one in results.costs if (one.server, one.case) == (server, case)]
    return median(found) if found else None


def base(case: str) -> str:
    """The server whose cost is 1.00."""
    return GUNICORN if case == DYNAMIC else TUNED


def ratio(results: Results, server: str, case: str) -> float | None:
    ours, theirs = cpu(results, server, case), cpu(results, base(case), case)
    return ours / theirs if ours and theirs else None


def markdown(results: Results) -> str:
    parts = [HEAD, table(("", "measured on"), results.machine.items()), "## What a request costs\n", expense(results)]
    parts.append("## Beside slow clients\n\n" + CROWDS)
    parts += [f"### Slow {kind}\n\n{crowd(results, kind)}" for kind in SLOW]
    parts.append("## The aims\n\n" + table(("aim", "measured", ""), aims(results)))
    return "\n".join(parts)


CROWDS = """A good client opens a connection for each request of the page; a request that takes five seconds has failed.
The cells say: requests that failed, the 99th percentile of the others, and how many of the slow clients were still
connected at the end: a server that refuses them serves the others, too.
"""


def expense(results: Results) -> str:
    rows = []
    for server in SERVERS:
        row = [server]
        for case in CASES:
            found, theirs = ratio(results, server, case), rate(results, base(case), case)
            speed = rate(results, server, case)
            row.append(f"{found:.2f} ({speed / theirs:.2f})" if found and speed and theirs else "")
        rows.append(row)
    absolute = [f"{cpu(results, base(case), case):,.0f} µs" for case in CASES]
    return table(("", *CASES), [*rows, ["1.00 is", *absolute]])


def crowd(results: Results, kind: str) -> str:
    counts = sorted({one.count for one in results.crowds if one.kind == kind})
    names = list(dict.fromkeys(one.server for one in results.crowds))

    def cell(server: str, what: str, count: int) -> str:
        one = find(results, server, what, count)
        held = f", {one.held:,} held" if count else ""
        return f"{one.failed} of {one.requests}, {one.p99:.1f} ms{held}" if one.p99 else f"all {one.requests}{held}"

    rows = [[name, cell(name, "none", 0), *(cell(name, kind, count) for count in counts)] for name in names]
    return table(("", "alone", *(f"{count:,}" for count in counts)), rows)


def find(results: Results, server: str, kind: str, count: int) -> Crowd:
    return next(one for one in results.crowds if (one.server, one.kind, one.count) == (server, kind, count))


def aims(results: Results) -> Iterator[tuple[str, str, str]]:
    for case, against in ((SMALL, TUNED), (SCRIPT, TUNED), (DYNAMIC, GUNICORN)):
        found = ratio(results, OURS, case) or 0
        yield f"{case}: at most 1.05 times the CPU of {against}", f"{found:.2f}", verdict(found <= 1.05)
    alone = find(results, OURS, "none", 0)
    for kind in SLOW:
        found = [one for one in results.crowds if (one.server, one.kind) == (OURS, kind)]
        most, failed = max(one.count for one in found), sum(one.failed for one in found)
        times = max(one.p99 for one in found) / alone.p99
        held = all(one.held >= 0.99 * one.count for one in found)
        yield (
            f"up to {most:,} slow {kind}: no request fails, 99th percentile at most twice the idle one",
            f"{failed} failed, {times:.2f} times, {'all' if held else 'not all'} held",
            verdict(not failed and times <= 2 and held),
        )
    yield (
        "a download goes on over a deploy and two reloads",
        "whole" if results.download.whole else "broken",
        verdict(results.download.whole and results.download.during),
    )
