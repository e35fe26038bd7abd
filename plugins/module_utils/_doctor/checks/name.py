# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A name that no site of this host has, or that DNS leads elsewhere."""

from __future__ import annotations

import difflib
import ipaddress
import socket

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import DEFAULT_PORTS
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import Target
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing

SHOWN = 10  # names


def explain_unserved(host: Host, target: Target) -> Finding:
    """Name the port that serves the name, or else the nearest name; *target* has no request on this host."""
    port = target.port or DEFAULT_PORTS[target.scheme or "http"]
    elsewhere = [listen for listen in host.listens if routing.server_for([listen], target.name)[1] is not None]
    if elsewhere:
        ports = ", ".join(dict.fromkeys(f"{listen.port}{' (HTTPS)' if listen.tls else ''}" for listen in elsewhere))
        needs_tls = target.scheme == "https" and not any(listen.tls for listen in elsewhere)
        line = "tls: acme" if needs_tls else f"a listen {port};"
        return Finding(
            target.name,
            f"nginx serves {target.name} on port {ports} only ({elsewhere[0].server.where}), not on port {port}.",
            f"Give its site '{line}', or request port {elsewhere[0].port}.",
        )
    servers = {name: listen.server for listen in host.listens for name in sites.real_names(listen.server)}
    if not servers:
        remedy = "Publish a site, as the role gatehouse.django.django_site does."
        return Finding(target.name, "nginx serves no site with a name on this host.", remedy)
    (nearest,) = difflib.get_close_matches(target.name, servers, 1, 0) or [next(iter(servers))]
    where, shown = servers[nearest].where, ", ".join(list(servers)[:SHOWN])
    rest = f" and {len(servers) - SHOWN} more" if len(servers) > SHOWN else ""
    return Finding(
        target.name,
        f"nginx has no server with the name {target.name}. Its names are {shown}{rest}. "
        f"The nearest is {nearest} ({where}).",
        f"Add {target.name} to server_name of the site that is meant, or request {nearest}.",
    )


def check_dns(host: Host, name: str) -> Finding | None:
    """Whether the name leads to this host."""
    own = ", ".join(host.addresses) or "none"
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        cause = f"This host finds no address for {name}: {error.strerror or error}"
        return Finding(name, f"{cause}.", f"Make a DNS record for it that leads to this host ({own}).")
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if any(address in host.addresses or _is_loopback(address) for address in addresses):
        return None
    return Finding(
        name,
        f"nginx answers for {name} on this host, but the name leads to {', '.join(addresses)}, which is not an address "
        "of this host.",
        f"Unless a proxy at that address passes the requests on, change the DNS record to this host ({own}).",
    )


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
