# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a name is not served here, or leads elsewhere."""

from __future__ import annotations

import difflib
import ipaddress
import socket

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites, target
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import DEFAULT, Request
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing

SHOWN = 10  # names


def not_served(host: Host, wish: target.Wish, request: Request | None) -> Finding | None:
    """What there is to say where no site of this host has the name, or has it on another port."""
    if request and target.is_served(host, request.address, request.port, wish.name):
        return None
    asked = wish.port or DEFAULT[wish.scheme or "http"]
    elsewhere = [one for one in host.listens if routing.server_for([one], wish.name)[1] is not None]
    if elsewhere:
        ports = ", ".join(dict.fromkeys(f"{one.port}{' (HTTPS)' if one.tls else ''}" for one in elsewhere))
        plain = wish.scheme == "https" and not any(one.tls for one in elsewhere)
        line = "tls: acme" if plain else f"a listen {asked};"
        return Finding(
            wish.name,
            f"nginx serves {wish.name} on port {ports} only ({elsewhere[0].server.where}), not on port {asked}.",
            f"Give its site '{line}', or ask for it on port {elsewhere[0].port}.",
        )
    known = {name: one.server for one in host.listens for name in sites.real_names(one.server)}
    if not known:
        remedy = "Publish a site, as the role gatehouse.django.django_site does."
        return Finding(wish.name, "nginx serves no site with a name on this host.", remedy)
    (nearest,) = difflib.get_close_matches(wish.name, known, 1, 0) or [next(iter(known))]
    where, shown = known[nearest].where, ", ".join(list(known)[:SHOWN])
    rest = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return Finding(
        wish.name,
        f"No server of this nginx has the name {wish.name}: it has {shown}{rest}. The nearest is {nearest} ({where}).",
        f"Add {wish.name} to server_name of the site that is meant, or ask for {nearest}.",
    )


def elsewhere(host: Host, name: str) -> Finding | None:
    """What there is to say where the name does not lead to this host."""
    mine = ", ".join(host.own) or "none"
    try:
        found = list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)))
    except OSError as error:
        cause = f"{name} has no address, as far as this host can see: {error.strerror or error}"
        return Finding(name, f"{cause}.", f"Make a DNS record for it that leads to this host ({mine}).")
    if any(address in host.own or ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found):
        return None
    return Finding(
        name,
        f"nginx answers for {name} here, but the name leads to {', '.join(found)}, which is no address of this host.",
        f"Unless that passes the requests on to here, let its DNS record lead to this host ({mine}).",
    )
