# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""413: bodies that nginx has refused, as its error log tells. No request of ours could show that."""

from __future__ import annotations

import re
from collections.abc import Callable

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import log, sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

TOO_LARGE = re.compile(r"client intended to send too large (?:chunked )?body: (\d+)(?:\+(\d+))? bytes")
MEGABYTE = 1024**2


def explain(host: Host, wanted: Callable[[Directive], bool]) -> list[Finding]:
    """A finding for each limit of the sites *wanted* that a request of the last hour was too large for.

    Only where it still would be.
    """
    largest: dict[tuple[str, str], tuple[int, int, str, Directive]] = {}
    for server in dict.fromkeys(one.server for one in host.listens):
        if not wanted(server) or not sites.real_names(server):
            continue
        group = [one for one in host.listens if one.server is server]
        for entry in log.recent(server, host.nginx):
            match = TOO_LARGE.match(entry.text)
            if not match or routing.server_for(group, re.sub(r":\d+$", "", entry.host))[1] is None:
                continue
            size = int(match[1]) + int(match[2] or 0)
            location = sites.handler(server, routing.location_for(server, entry.path))
            limit, where = sites.body_limit(location)
            key = (sites.title(server), where)
            if limit and size > max(limit, largest.get(key, (0,))[0]) and (sites.passed_to(location)):
                largest[key] = (size, limit, f"{entry.method} {entry.path}", server)
    return [_finding(host, site, where, *found) for (site, where), found in largest.items()]


def _finding(host: Host, site: str, where: str, size: int, limit: int, request: str, server: Directive) -> Finding:
    enough = -(-size // MEGABYTE)
    if host.is_ours(server):
        remedy = f"If such a body is meant to be sent: client_max_body_size: {enough}m for the site in django_sites."
    else:
        place = where if "/" in where else server.where
        remedy = f"If such a body is meant to be sent: 'client_max_body_size {enough}m;' in {place}."
    cause = f"nginx refused {request} with 413 in the last hour: its body has {size} bytes, and client_max_body_size"
    return Finding(site, f"{cause} is {limit} ({where}).", remedy)
