# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nginx's error log says of a site's requests."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

RECENT = 3600.0  # seconds
TAIL = 1024 * 1024  # bytes
LINE = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(\w+)\] \d+#\d+: (?:\*\d+ )?(.*)")
DETAIL = re.compile(r', (client|server|request|subrequest|upstream|host|referrer): ("[^"]*"|[^,]*)')


@dataclass(frozen=True)
class Entry:
    """A line of the log: what happened, and to which request."""

    time: float
    text: str
    host: str
    method: str
    path: str


def recent(block: Directive, nginx: Mapping[str, Any], since: float | None = None) -> list[Entry]:
    """What the log that holds for *block* has said since then; without a time, in the last hour."""
    given = block.inherited("error_log")
    path = given.args[0] if given and given.args else str(nginx["error_log_path"])
    since = time.time() - RECENT if since is None else since
    try:
        lines = untrusted.read(path, TAIL, tail=True).splitlines()
    except OSError:
        return []
    # Its times are full seconds.
    return [entry for entry in _entries(lines) if entry.time >= since - 1]


def _entries(lines: list[str]) -> Iterator[Entry]:
    for line in lines:
        match = LINE.match(line)
        # A log may hold what only looks like a line of nginx's: there is no month 99.
        with contextlib.suppress(ValueError, OverflowError):
            if match:
                yield _entry(match)


def _entry(match: re.Match[str]) -> Entry:
    details = {name: value.strip('"') for name, value in DETAIL.findall(match[3])}
    method, _space, target = details.get("request", "").partition(" ")
    text = DETAIL.split(match[3], maxsplit=1)[0]
    at = time.mktime(time.strptime(match[1], "%Y/%m/%d %H:%M:%S"))
    # A query may hold what is nobody's business.
    return Entry(at, text, details.get("host", ""), method, re.split(r"[? ]", target)[0])
