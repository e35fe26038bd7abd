# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the option ``upstreams`` of a site: groups of servers, each server on another host.

The checks raise ValueError with one sentence that names the option, the value and the remedy.
"""

from __future__ import annotations

import re

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Location, Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import (
    check_alias,
    check_proxy_pass,
    check_value,
    shown,
)

GROUP = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
SCHEME = "http://"
# The names in the certificates of hosts behind balancers end with it. The top-level domain is for private use.
TLS_DOMAIN = ".gatehouse.internal"
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----")


def group_of(site: Site, location: Location) -> list[str] | None:
    """The servers of the group that *location* is proxied to, None for a single server."""
    address = location["proxy_pass"] or ""
    return site["upstreams"].get(address.removeprefix(SCHEME)) if address.startswith(SCHEME) else None


def tls_name(site: str) -> str:
    """The name in the certificates of the hosts behind the balancers of *site*."""
    return f"{site}{TLS_DOMAIN}"


def check_upstreams(site: Site, where: str) -> None:
    """Refuse groups that nginx cannot use, or that no location uses, and ``files`` without a group."""
    used = {str(location["proxy_pass"]).removeprefix(SCHEME) for location in site["locations"]}
    for name, servers in site["upstreams"].items():
        if not GROUP.fullmatch(str(name)):
            raise ValueError(
                f"{where}: upstreams: {shown(str(name))} is not the name of a group: use only a-z, 0-9, '-' and '_', "
                "as in {web: ['10.0.0.1:80', '10.0.0.2:80']}"
            )
        if not isinstance(servers, list) or not servers or not all(isinstance(one, str) for one in servers):
            raise ValueError(
                f"{where}: upstreams[{name}] must be a list of servers, such as ['10.0.0.1:80', '10.0.0.2:80']"
            )
        for server in servers:
            check_value(_check_server, where, f"upstreams[{name}]", server)
            if servers.count(server) > 1:
                raise ValueError(f"{where}: upstreams[{name}] lists '{server}' twice: remove one of the two")
        if name not in used:
            raise ValueError(
                f"{where}: upstreams[{name}] is used by no location: write `proxy_pass: http://{name}`, or remove it"
            )
    for name, link in site["releases"].items():
        if name not in site["upstreams"]:
            raise ValueError(f"{where}: releases[{name}] is for no group in 'upstreams': remove it")
        check_value(check_alias, where, f"releases[{name}]", link if isinstance(link, str) else "")
    for name, authorities in site["upstream_authorities"].items():
        if name not in site["upstreams"]:
            raise ValueError(f"{where}: upstream_authorities[{name}] is for no group in 'upstreams': remove it")
        _check_authorities(authorities, site["upstreams"][name], f"{where}: upstream_authorities[{name}]")
    for location in site["locations"]:
        if location["files"] and group_of(site, location) is None:
            raise ValueError(
                f"{where}, location {shown(location['path'])}: 'files' has an effect only with the proxy_pass of a "
                "group in 'upstreams': remove it"
            )


def check_acme_peers(site: Site, where: str) -> None:
    """Refuse what is no server that nginx can ask for the challenge of an authority."""
    for server in site["acme_peers"]:
        check_value(_check_server, where, "acme_peers", server)


def _check_authorities(authorities: object, servers: list[str], where: str) -> None:
    """Refuse what is not a certificate in PEM for each of the *servers*."""
    if not isinstance(authorities, dict) or set(authorities) != set(servers):
        raise ValueError(f"{where} must have the servers of the group as keys: {', '.join(servers)}")
    for server, text in authorities.items():
        if text and not (isinstance(text, str) and CERTIFICATE.fullmatch(text.strip())):
            raise ValueError(f"{where}[{server}] is not one certificate in PEM ('-----BEGIN CERTIFICATE-----')")


def _check_server(value: str) -> None:
    check_proxy_pass(f"{SCHEME}{value}")
    if value.startswith("unix:") or not re.search(r":[0-9]+$", value):
        raise ValueError("is not an address with its port, such as '10.0.0.1:80' or '[2001:db8::1]:80'")
