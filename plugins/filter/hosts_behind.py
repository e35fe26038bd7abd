# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that lists the web hosts behind a balancer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def hosts_behind(sites: Iterable[Any], variables: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return C(server) and C(host) for each server in C(upstreams) of *sites*, those of filter sites_of_host.

    *variables* are those of each host of the inventory. A server that is none of these hosts is left out.
    """
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.addresses import address_of
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.mounts import present

    groups = [servers for site in present(sites) for servers in (site.get("upstreams") or {}).values()]
    servers = dict.fromkeys(server for group in groups for server in group)
    hosts = {address_of(variables[host], host): host for host in variables} if servers else {}
    addresses = {server: server.rpartition(":")[0].strip("[]") for server in servers}
    return [{"server": one, "host": hosts[address]} for one, address in addresses.items() if address in hosts]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"hosts_behind": hosts_behind}
