# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find Python's tracebacks in a log, and show each of them once. The text is untrusted: each step takes linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

START = "Traceback (most recent call last):"
# Python's traceback module. 3.13 adds colours only on a terminal.
FRAME = re.compile(r'\s+File "([^"]{1,1000})", line (\d{1,9})')
PROJECT = re.compile(r"/releases/[^/]+/(?:project|src)/(.+)")
PACKAGE = re.compile(r"/site-packages/(.+)")
MAX_SUMMARY = 100  # characters
# gunicorn reports with its own exception that a worker ended, after the one of the application.
OF_GUNICORN = "gunicorn.errors.HaltServer"


def lines_of(text: str) -> list[str]:
    """Return the lines of a log. A logger that writes JSON has a traceback in one line, with escaped line breaks."""
    found: list[str] = []
    for line in text.splitlines():
        is_json = line.startswith("{") and START in line
        found += line.replace('\\"', '"').replace("\\n", "\n").splitlines() if is_json else [line]
    return found


def last_exception(lines: Sequence[str]) -> str:
    """Return the last exception of a traceback in *lines* with its place, preferably in the project; or ``""``."""
    return next((found for found in map(_explain, reversed(list(_tracebacks(lines)))) if found), "")


def _tracebacks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the lines of each traceback, without the first one, up to that of the exception."""
    inside: list[str] | None = None
    for line in lines:
        if line.rstrip().endswith(START):
            inside = []
        elif inside is not None:
            inside.append(line)
            if line.strip() and not line[0].isspace():
                yield inside
                inside = None


def _explain(traceback: Sequence[str]) -> str:
    *above, exception = traceback
    if exception.startswith(OF_GUNICORN):
        return ""
    frames = [match for line in above if (match := FRAME.match(line))]
    own = [match for match in frames if PROJECT.search(match[1])]
    place = (own or frames)[-1] if frames else None
    return f"{exception.rstrip()} ({_short(place[1])}, line {place[2]})" if place else exception.rstrip()


def _short(path: str) -> str:
    found = PROJECT.search(path) or PACKAGE.search(path)
    return found[1] if found else path


def without_repeats(text: str) -> str:
    """Return *text* with each traceback once: several requests, or several workers, fail with the same one."""
    kept: list[str] = []
    seen: dict[str, int] = {}
    block: list[str] = []
    first_own = 0  # the lines of `kept` before this number belong to tracebacks
    for line in text.splitlines():
        if not block and not line.rstrip().endswith(START):
            kept.append(line)
            continue
        block.append(line)
        if len(block) == 1 or not line.strip() or line[0].isspace():
            continue
        if block[-1].startswith(OF_GUNICORN):
            # It explains nothing, and it has two tracebacks.
            while len(kept) > first_own and (not kept[-1].strip() or kept[-1].startswith("During handling of")):
                kept.pop()
            block = []
            continue
        key = "\n".join(block[1:])
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 1:
            kept += block
        else:
            # The line before a traceback says which request failed.
            del kept[_start_of_heading(kept, first_own) :]
            while len(kept) > first_own and not kept[-1].strip():
                kept.pop()
        block, first_own = [], len(kept)
    counts = ((key.rpartition("\n")[2], count - 1) for key, count in seen.items() if count > 1)
    kept += block + [f"({_times(count)}: {exception[:MAX_SUMMARY]})" for exception, count in counts]
    return "\n".join(kept)


def _start_of_heading(lines: Sequence[str], first: int) -> int:
    """Return the number of the last line that is not empty; *first* if there is none from that number on."""
    return next((number for number in range(len(lines) - 1, first - 1, -1) if lines[number].strip()), first)


def _times(count: int) -> str:
    return "once more" if count == 1 else f"{count} more times"
