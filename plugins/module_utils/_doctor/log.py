# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what nginx's error log says about a site's requests."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import error_line
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Request
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.alerts import AMBIGUOUS_SECONDS
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

RECENT_SECONDS = 3600.0
TAIL_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Entry:
    """A line of the log: what happened, and the request."""

    time: float
    text: str
    host: str
    method: str
    path: str
    # nginx's severity: warn, error, crit, alert, emerg.
    level: str = "error"
    # Empty for a message that concerns no request.
    client: str = ""
    # The address that nginx passed the request to, empty if it passed it to none.
    upstream: str = ""
    referrer: str = ""


def path_for(host: Host, block: Directive) -> str:
    """The error log that applies to *block*."""
    given = block.inherited("error_log")
    return given.args[0] if given and given.args else host.nginx["error_log_path"]


def recent(host: Host, block: Directive, since: float | None = None) -> list[Entry]:
    """The entries since then of the error log that applies to *block*; without a time, of the last hour."""
    now = time.time()
    since = now - RECENT_SECONDS if since is None else since
    try:
        text = untrusted.read(path_for(host, block), TAIL_BYTES, tail=True)
    except OSError:
        return []
    # The log's times are full seconds. Those of the future are of a clock that was wrong.
    return [entry for entry in _parse(text) if since - 1 <= entry.time <= now + AMBIGUOUS_SECONDS]


def lines_of(host: Host, request: Request, answer: Answer) -> list[Entry]:
    """The entries about this very request, in the order of the log.

    The doctor's Referer identifies them. Client, time, host name and path alone could be a visitor's.
    """
    sent = re.split(r"[?#]", request.sent_path)[0]
    return [
        entry
        for entry in recent(host, request.location, answer.began)
        if (entry.client, entry.method, entry.path) == (answer.client, "GET", sent)
        and entry.host in (request.name, request.host)
        and entry.referrer == request.referrer
        and entry.time <= answer.ended + 1
    ]


def tells_errors(host: Host, block: Directive) -> bool:
    """Whether the log that applies to *block* can be read and has nginx's errors: then its silence means something."""
    given = block.inherited("error_log")
    if given and given.args[1:] and given.args[1] in ("crit", "alert", "emerg"):
        return False
    try:
        return untrusted.status(path_for(host, block)) is not None
    except OSError:
        return False


# Hundreds of sites may share one log, which grows while the doctor examines them.
@lru_cache(maxsize=2)
def _parse(text: str) -> tuple[Entry, ...]:
    return tuple(_entries(text))


def _entries(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        found = error_line.parse(line)
        # The doctor's own requests do not lead to a forged line.
        if found and not found.is_forged:
            yield _entry(found)


def _entry(line: error_line.ErrorLine) -> Entry:
    details = line.details
    method, _space, target = details.get("request", "").partition(" ")
    # A query may hold a secret.
    return Entry(
        line.time,
        line.text,
        details.get("host", ""),
        method,
        re.split(r"[? ]", target)[0],
        level=line.level,
        client=details.get("client", ""),
        upstream=details.get("upstream", ""),
        referrer=details.get("referrer", ""),
    )
