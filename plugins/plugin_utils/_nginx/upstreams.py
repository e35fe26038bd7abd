# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Determine nginx's upstreams of a site: one for each address or group of servers that it proxies to."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.authorities import path
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.upstreams import SCHEME, group_of
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import SOCKET_LENGTH

# Fewer than the errors after which templates/http.conf.j2 lets no host try again.
MOST_TRIES = 7
SOCKET = re.compile(r"unix:(/.*/current)/web\.sock")


@dataclass(frozen=True)
class Upstream:
    """An upstream: of one address, or of several hosts (*is_group*)."""

    name: str
    servers: list[str]
    is_group: bool = False
    # For each server of a group, the upstream of all others, and a regular expression of the servers asked so far that
    # end with this one. A group of one server has none.
    others: list[tuple[str, str, list[str]]] = field(default_factory=list)

    # The link to the directory with the name of the release that these servers must serve, None for any release.
    release: str | None = None
    # The file with the authorities of these servers, below a generation's directory; None for plain HTTP.
    authorities: str | None = None

    @property
    def scheme(self) -> str:
        """The scheme of proxy_pass."""
        return "https" if self.authorities else "http"

    @property
    def expected(self) -> str:
        """The variable with the directory of the release that the next server must serve, empty for any."""
        return f"$gatehouse_expected_{self._key}"

    @property
    def tries(self) -> int:
        """How many servers may give a request back before one may serve it with any release."""
        return min(2 * len(self.servers), MOST_TRIES)

    @property
    def root(self) -> str | None:
        """The directory of the current release of an app on this host, which has its socket there."""
        match = SOCKET.fullmatch(self.address)
        return match[1] if match else None

    @property
    def address(self) -> str:
        """The first server."""
        return self.servers[0]

    @property
    def again(self) -> str:
        """The first server, for a request that is passed again: with a connection of its own.

        A worker that dies closes its connections one after the other, and nginx would take a kept one to it. It keeps
        them by address, and a path in other words is another one (ngx_http_upstream_keepalive_module, sockaddr).
        """
        directory, slash, name = self.address.rpartition("/")
        found = f"{directory}{slash}./{name}"
        is_path = self.address.startswith("unix:/") and len(found.removeprefix("unix:").encode()) <= SOCKET_LENGTH
        return found if is_path else self.address

    @property
    def other(self) -> str:
        """The variable with the upstream of the servers that were not asked last."""
        return f"$gatehouse_other_{self._key}"

    @property
    def _key(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()[:12]


def upstreams(site: Site) -> dict[str, Upstream]:
    """The upstreams of *site* by proxy_pass."""
    found: dict[str, Upstream] = {}
    for location in site["locations"]:
        address = location["proxy_pass"]
        if not address or address in found:
            continue
        # A site name contains no dot, so 'shop.1' cannot collide with the upstream of a site 'shop_1'.
        name = f"gatehouse_{site['name']}" + (f".{len(found)}" if found else "")
        group = group_of(site, location)
        if group is None:
            found[address] = Upstream(name, [address.partition("://")[2]])
        else:
            key = address.removeprefix(SCHEME)
            authorities = path(site["name"], key) if key in site["upstream_authorities"] else None
            found[address] = Upstream(name, group, True, _others(name, group), site["releases"].get(key), authorities)
    return found


def _others(name: str, servers: list[str]) -> list[tuple[str, str, list[str]]]:
    if len(servers) == 1:
        return []
    return [
        (f"{name}.but{number}", rf"(?:^|[ ,]){re.escape(server)}$", [one for one in servers if one != server])
        for number, server in enumerate(servers, 1)
    ]
