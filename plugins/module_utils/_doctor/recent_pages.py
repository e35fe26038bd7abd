# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pages of an app visitors have requested lately, from nginx's JSON logs of its sites."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterable

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import served, site_log
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import facts

DAY_SECONDS = 24 * 3600
MAX_PAGES = 30
HOST = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,253}")
URI = re.compile(r"/[!-~]{0,2000}")
NUMBER = re.compile(r"[0-9a-f-]{16,}|\d+")


def recent_pages(run: Run, nginx: str | None, app: str) -> list[tuple[str, str]]:
    """Return host and URI of GETs of the last day that *app* answered without an error; never raise.

    *nginx* is the path of the program, None where it is not installed. Of pages whose URIs differ in numbers or
    keys only, it is the last one; pages that were requested most come first.
    """
    try:
        sites = served.read_sites(run, facts.describe(run, nginx)) if nginx else []
        since = time.time() - DAY_SECONDS
        logs = {site.access_log: site for site in sites if site.app == app and site.access_log}
        return choose((text for path in logs for text in site_log.texts(path, since)), app)
    # The configuration can be damaged; a rehearsal is possible without it.
    except (OSError, ValueError):
        return []


def choose(lines: Iterable[str], app: str) -> list[tuple[str, str]]:
    """Return the pages in *lines* of the log."""
    counts: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, str], tuple[str, str]] = {}
    upstream = f"unix:{APPS}/{app}/current/web.sock"
    for line in lines:
        try:
            entry = json.loads(line)
            host, uri = str(entry["host"]), str(entry["uri"])
            is_page = entry["method"] == "GET" and entry["upstream_addr"] == upstream and int(entry["status"]) < 400
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if is_page and HOST.fullmatch(host) and URI.fullmatch(uri):
            kind = (host, NUMBER.sub("0", uri.partition("?")[0]))
            counts[kind] += 1
            last[kind] = (host, uri)
    return [last[kind] for kind, _count in counts.most_common(MAX_PAGES)]
