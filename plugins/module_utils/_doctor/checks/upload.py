# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""413: request bodies that nginx refused, as its error log says. No request of the doctor's could show that.

The size is what the visitor's Content-Length claims.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import commands, log, rule_places, sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import body_limit
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import decode_path
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import pass_directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

TOO_LARGE = re.compile(r"client intended to send too large (?:chunked )?body: (\d+)(?:\+(\d+))? bytes")


@dataclass(frozen=True)
class TooLarge:
    """A request whose body was too large, with the name that it was sent to."""

    name: str
    method: str
    path: str
    size: int


@dataclass(frozen=True)
class Refusal:
    """A request whose body was too large, and would still be."""

    server: Directive
    location: Directive
    request: str
    size: int
    limit: int
    # The place that sets the limit.
    where: str

    @property
    def rank(self) -> tuple[bool, int]:
        """By size. One that is too large to be proposed must not hide an upload that is meant."""
        return bool(commands.body_size(self.size)), self.size


def check_uploads(host: Host, is_meant: Callable[[Directive], bool]) -> list[Finding]:
    """One finding for each limit of the meant sites that refused a body in the last hour: the largest."""
    largest: dict[tuple[str, str], Refusal] = {}
    # By log, because most sites share one.
    bodies: dict[str, list[TooLarge]] = {}
    for server in dict.fromkeys(one.server for one in host.listens):
        if not is_meant(server) or not sites.real_names(server):
            continue
        path = log.path_for(host, server)
        if path not in bodies:
            bodies[path] = list(_too_large(host, server))
        for refusal in _refusals(server, bodies[path]):
            key = sites.title(server), refusal.where
            if key not in largest or refusal.rank > largest[key].rank:
                largest[key] = refusal
    return [_finding(host, refusal) for refusal in largest.values()]


def _too_large(host: Host, server: Directive) -> Iterator[TooLarge]:
    """The bodies that the log of *server* names, which may be another site's."""
    for entry in log.recent(host, server):
        match = TOO_LARGE.match(entry.text)
        if match:
            name = re.sub(r":\d+$", "", entry.host)
            yield TooLarge(name, entry.method, entry.path, int(match[1]) + int(match[2] or 0))


def _refusals(server: Directive, bodies: Sequence[TooLarge]) -> Iterator[Refusal]:
    names = routing.names(server)
    for body in bodies:
        if not routing.is_named(names, body.name):
            continue
        location = sites.final_location(server, decode_path(body.path))
        limit, where = body_limit(location)
        if limit and body.size > limit and pass_directive(location):
            yield Refusal(server, location, f"{body.method} {body.path}", body.size, limit, where)


def _finding(host: Host, refusal: Refusal) -> Finding:
    size = commands.body_size(refusal.size)
    cause = f"nginx refused {refusal.request} with 413 in the last hour: it claims a body of {refusal.size} bytes, and"
    cause = f"{cause} client_max_body_size is {refusal.limit} ({refusal.where})"
    if not size:
        remedy = "Raise the limit only if visitors are meant to send bodies of that size: any visitor can claim it."
        return Finding(sites.title(refusal.server), f"{cause}.", remedy)
    if host.is_managed(refusal.server):
        rule = refusal.location.inherited("client_max_body_size")
        line = rule_places.in_inventory(refusal.location, rule, f"client_max_body_size: {size}")
    else:
        place = refusal.where if "/" in refusal.where else refusal.server.where
        line = f"'client_max_body_size {size};' in {place}"
    remedy = f"If visitors are meant to send such a body, write {line}."
    return Finding(sites.title(refusal.server), f"{cause}.", remedy)
