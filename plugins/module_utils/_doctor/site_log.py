# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read nginx's access and error lines of a site."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._core.log_lines import LogLine
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import error_line
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.served import ServedSite

TAIL_BYTES = 8 * 1024 * 1024
# The combined format of nginx, which a site that Gatehouse did not write may use.
COMBINED_TIME = re.compile(r"\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")


def access_lines(site: ServedSite, since: float, count: int) -> list[LogLine]:
    """The last *count* requests of the site since then."""
    found = [_access(site, text) for text in texts(site.access_log, since)]
    return [line for line in found if line and line.time >= since][-count:]


def error_lines(site: ServedSite, since: float, count: int) -> list[LogLine]:
    """The last *count* errors of the site since then. Many sites share this log."""
    return [line for line in _errors(site, texts(site.error_log, since)) if line.time >= since][-count:]


def texts(path: str, since: float) -> list[str]:
    """The lines of the log at *path*, after those of the file that logrotate(8) made of it last if that is recent."""
    found: list[str] = []
    for place in (f"{path}.1", path) if path else ():
        try:
            status = untrusted.status(place)
            if status and status.st_mtime >= since:
                found += untrusted.read(place, TAIL_BYTES, tail=True).splitlines()
        except OSError:
            continue
    return found


def _access(site: ServedSite, text: str) -> LogLine | None:
    try:
        entry = json.loads(text)
        moment = datetime.fromisoformat(entry["time"]).timestamp()
        size = f"{entry['bytes']} bytes in {entry['request_time']} s"
        request = f"{entry['remote_addr']} {entry['method']} {entry['host']}{entry['uri']}"
        return LogLine(moment, "access", site.site, f"{entry['status']} {request} {size}")
    except (ValueError, KeyError, TypeError):
        return _combined(site, text)


def _combined(site: ServedSite, text: str) -> LogLine | None:
    found = COMBINED_TIME.search(text)
    try:
        moment = datetime.strptime(found[1], "%d/%b/%Y:%H:%M:%S %z").timestamp() if found else None
    except ValueError:
        return None
    return LogLine(moment, "access", site.site, text) if moment is not None else None


def _errors(site: ServedSite, texts: Sequence[str]) -> Iterator[LogLine]:
    for found in map(error_line.parse, texts):
        if found and found.names({site.site, *site.names}):
            yield LogLine(found.time, "error", site.site, f"[{found.level}] {found.message}")
