# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work out how one host shares addresses with others: its peers, its priority, and the interface of each address.

Every function raises ValueError with a sentence that names the option, the value and the remedy.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import is_address
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.addresses import (
    ADDRESS,
    address_of,
    ip_address_of,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import Groups

OPTION = "keepalived_addresses"
# Of the first host of the inventory; each further one has one less. 255 would mean the owner of the address (RFC 5798).
FIRST_PRIORITY = 200
_PEERS = re.compile(r"unicast_peer \{([^}]*)\}")

Links = Sequence[Mapping[str, Any]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def virtual_addresses(
    host: str, groups: Groups, hostvars: Mapping[str, Any], links: Links, interface: str = ""
) -> dict[str, Any]:
    """Return what keepalived of *host* needs; *links* are its interfaces, as `ip -json address show` prints them."""
    shared = _addresses_of(host, hostvars)
    members = [one for one in groups["all"] if one == host or _shares(one, shared, host, hostvars)]
    sources = {one: ip_address_of(hostvars[one], one, OPTION) for one in members}
    own = _parsed(sources[host])
    for address in shared:
        if str(address) in sources.values():
            raise ValueError(f"{OPTION}: {address} is the address of a host itself: name one that no host has.")
    if not any(address.version == own.version for address in shared):
        raise ValueError(
            f"{OPTION}: keepalived needs an address of IPv{own.version}, because {host} has {own} for the other hosts. "
            f"Add one, or set {ADDRESS} of the hosts to addresses of IPv{shared[0].version}."
        )
    names = [str(link["ifname"]) for link in links]
    if interface and interface not in names:
        raise ValueError(f"keepalived_interface: {host} has no interface {interface!r}: it has {', '.join(names)}.")
    known = _networks(links)
    placed = [{"address": str(address), "device": interface or _device(address, known, host)} for address in shared]
    return {
        "peers": [one for one in members if one != host],
        "peer_addresses": [sources[one] for one in members if one != host],
        "priority": FIRST_PRIORITY - members.index(host),
        # Any number from 1 to 255 that all members have.
        "router": int(min(shared, key=str)) % 255 + 1,
        "source": str(own),
        "device": _own_device(own, known, host),
        "addresses": [one for one in placed if _parsed(one["address"]).version == own.version],
        "excluded": [one for one in placed if _parsed(one["address"]).version != own.version],
    }


def holders(addresses: Iterable[str], links_of: Mapping[str, Links]) -> dict[str, list[str]]:
    """Return by address the hosts that have it now; *links_of* are the interfaces of each host."""
    local = {host: {str(one.ip) for _name, one in _networks(links)} for host, links in links_of.items()}
    return {address: [host for host, found in local.items() if address in found] for address in addresses}


def lost_peers(text: str, present: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """Return the addresses of the peers in *text*, a keepalived.conf, that are of no host of the play, *present*."""
    known = {str(_parsed(one)) for one in (address_of(hostvars[host], host) for host in present) if is_address(one)}
    return [one for block in _PEERS.findall(text) for one in block.split() if one not in known]


def _addresses_of(host: str, hostvars: Mapping[str, Any]) -> list[Address]:
    try:
        given = plain(hostvars[host].get(OPTION))
    except AnsibleError:
        given = None
    if not isinstance(given, list):
        return []
    for one in given:
        if not isinstance(one, str) or not is_address(one):
            raise ValueError(
                f"{OPTION} of {host}: {one!r} is no IP address: write it like 203.0.113.10, without a prefix."
            )
    return sorted({_parsed(one) for one in given}, key=str)


def _shares(other: str, shared: list[Address], host: str, hostvars: Mapping[str, object]) -> bool:
    theirs = _addresses_of(other, hostvars)
    both = set(theirs) & set(shared)
    if both and theirs != shared:
        raise ValueError(
            f"{OPTION}: {host} and {other} share {min(map(str, both))}, but their lists differ: hosts that share one "
            "address share all of them. Give both the same list."
        )
    return bool(both)


def _parsed(text: str) -> Address:
    return ipaddress.ip_address(text)


def _networks(links: Links) -> list[tuple[str, ipaddress.IPv4Interface | ipaddress.IPv6Interface]]:
    return [
        (str(link["ifname"]), ipaddress.ip_interface(f"{one['local']}/{one['prefixlen']}"))
        for link in links
        for one in link.get("addr_info") or []
        if "local" in one
    ]


def _own_device(own: Address, known: Iterable[tuple[str, Any]], host: str) -> str:
    for name, one in known:
        if one.ip == own:
            return name
    raise ValueError(
        f"{OPTION}: no interface of {host} has {own}, the address by which the others reach it: set {ADDRESS} of this "
        "host to an address of one of its interfaces."
    )


def _device(address: Address, known: Iterable[tuple[str, Any]], host: str) -> str:
    for name, one in known:
        # keepalived itself adds the address alone, without a network.
        if one.network.prefixlen < one.max_prefixlen and address in one.network:
            if one.ip == address:
                raise ValueError(
                    f"{OPTION}: {host} has {address} already, on {name}, by its own configuration of the network: "
                    "remove it there, since only keepalived may add it."
                )
            return name
    raise ValueError(
        f"{OPTION}: no interface of {host} is in a network with {address}: name the interface for it in "
        "keepalived_interface, like eth0."
    )
