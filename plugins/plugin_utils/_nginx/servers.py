# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Determine the server blocks of a site: those that serve it, and those that redirect."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts, Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import uncovered
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.upstreams import tls_name
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.behind import Front, front
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.listen import (
    Tls,
    addresses,
    as_default,
    listen_parameters,
    tls,
)

# The target of a redirect for a wildcard name: the host of the request, which matches the wildcard.
REQUEST_HOST = "$host"
# The name of a server that gets the requests for all other names. '_' is that of Gatehouse's default server.
UNKNOWN_NAMES = [""]


@dataclass(frozen=True)
class Server:
    """A server block of a site."""

    # The parameters of each listen.
    listen: list[list[str]]
    names: list[str]
    tls: Tls | None = None
    # The URL that the block redirects to, None for a block that serves the site.
    target: str | None = None
    # The URL for a visitor who has not used HTTPS, in a block that otherwise serves the site.
    upgrade: str | None = None
    # A regular expression that the host of a request must match, None if nginx has chosen the block by an exact name.
    unless: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    # Whether the block answers an authority's challenges.
    challenge: bool = False


@dataclass(frozen=True)
class DefaultHeader:
    """A header of the site that a proxied response gets unless the application has sent one of that name."""

    name: str
    value: str
    # nginx's variables: what the application has sent, and what is added.
    sent: str
    variable: str


def headers(site: Site, secure: Tls | None, behind: Front | None = None) -> dict[str, str]:
    """The headers of every response of the site, with TLS (*secure*) or without; a location repeats all of them."""
    found: dict[str, str] = dict(site["headers"])
    if behind and site["hsts"]:
        found["Strict-Transport-Security"] = f"$gatehouse_hsts_{behind.key}"
    elif secure and site["hsts"]:
        found["Strict-Transport-Security"] = site["hsts"]
    if secure and secure.http3:
        found["Alt-Svc"] = f'h3=":{secure.port}"; ma=86400'
    return found


def default_headers(site: Site, found: list[Server]) -> list[DefaultHeader]:
    """The headers of the servers *found*, for their proxied locations: nginx would send both its own and the other."""
    if not any(location["proxy_pass"] for location in site["locations"]):
        return []
    sent = {name: value for server in found if server.target is None for name, value in server.headers.items()}
    return [
        DefaultHeader(
            name,
            value,
            f"$upstream_http_{name.lower().replace('-', '_')}",
            f"$gatehouse_header_{hashlib.sha256('/'.join((site['name'], name)).encode()).hexdigest()[:12]}",
        )
        for name, value in sent.items()
    ]


def servers(host: NginxFacts, site: Site, certified: list[str]) -> list[Server]:
    """The server blocks of *site*: those that redirect have a ``target``.

    *certified* are the names in the installed certificate of an authority: nginx redirects only these names of a site
    with tls ``acme`` to HTTPS.
    """
    plain = listen_parameters(addresses(site["listen"], "80", ipv6=host["ipv6"]), None)
    names, others, secure = site["server_name"], site["redirect_from"], tls(host, site)
    behind = front(host, site)
    if behind:
        return _servers_behind(behind, plain, secure, site, certified)
    if secure is None:
        target = f"$scheme://{names[0]}$gatehouse_port"
        redirects = [_server(plain, None, site, others, target)] if others else []
        return [*redirects, _server(as_default(plain) if site["default"] else plain, None, site, names)]
    waiting = uncovered([*names, *others], certified) if secure.mode == "acme" else []
    encrypted = listen_parameters(secure.listen, secure)
    first = f"https://{names[0]}{secure.suffix}"
    found = []
    for name in names:
        if name not in waiting:
            # Each name has its own target, so that the redirect never contains the Host that a client sent.
            fixed = "*" not in name and not name.startswith(".")
            target = f"https://{name if fixed else REQUEST_HOST}{secure.suffix}"
            moved = _server(plain, None, site, [name], target)
            found.append(moved if fixed else replace(moved, unless=host_pattern(name)))
    ready = [name for name in others if name not in waiting]
    later = [name for name in others if name in waiting]
    if ready:
        # These names have a certificate, so redirect them to HTTPS even if the first name has none yet.
        found.append(_server(plain, None, site, ready, first))
    if later:
        where = f"http://{names[0]}$gatehouse_port" if names[0] in waiting else first
        found.append(_server(plain, None, site, later, where))
    if others:
        found.append(_server(encrypted, secure, site, others, first))
    served = [name for name in names if name in waiting]
    if served:
        found.append(_server(plain, None, site, served))
    if site["default"]:
        # The certificate is for none of the unknown names, so they are not redirected to HTTPS.
        found.append(_server(as_default(plain), None, site, UNKNOWN_NAMES))
        encrypted = as_default(encrypted)
    return [*found, _server(encrypted, secure, site, names)]


def _servers_behind(
    behind: Front, plain: list[list[str]], secure: Tls | None, site: Site, certified: list[str]
) -> list[Server]:
    """The server blocks of *site* behind another server.

    One block serves a name with and without TLS, because the port that a balancer connects to says nothing about the
    visitor's scheme. A redirect that depended on the port would be a loop behind a balancer that ends TLS.
    """
    names, others = site["server_name"], site["redirect_from"]
    listen = [[*parameters, "proxy_protocol"] for parameters in plain] if behind.proxy_protocol else plain
    listen = [*listen, *(listen_parameters(secure.listen, secure) if secure else [])]
    sent, challenge = headers(site, secure, behind), site["tls"] == "acme"
    waiting = uncovered([*names, *others], certified) if challenge else []

    def block(names: list[str], target: str | None = None) -> Server:
        return Server(listen, names, secure, target, headers=sent, challenge=challenge)

    found = []
    if others:
        first = f"{behind.scheme}://{names[0]}{behind.port}"
        ready = secure is not None and names[0] not in waiting
        found.append(block(others, f"https://{names[0]}" if ready else first))
    upgraded = [] if behind.balancers else [name for name in names if secure and name not in waiting]
    for name in upgraded:
        fixed = "*" not in name and not name.startswith(".")
        one = replace(block([name]), upgrade=f"https://{name if fixed else REQUEST_HOST}")
        found.append(one if fixed else replace(one, unless=host_pattern(name)))
    served = [name for name in names if name not in upgraded]
    if behind.balancers and secure:
        # The name in the handshakes of balancers.
        served.append(tls_name(site["name"]))
    if site["default"]:
        found.append(replace(block(UNKNOWN_NAMES), listen=as_default(listen)))
    return [*found, block(served)] if served else found


def _server(
    listen: list[list[str]],
    secure: Tls | None,
    site: Site,
    names: list[str],
    target: str | None = None,
) -> Server:
    return Server(
        listen,
        names,
        secure,
        target,
        headers=headers(site, secure) if target is None or secure else {},
        challenge=site["tls"] == "acme" and secure is None,
    )


def host_pattern(pattern: str) -> str:
    """A regular expression for the hosts that match the wildcard *pattern*.

    nginx has already matched the host, unless this is the default server of its address, which gets all names.
    """
    if pattern.endswith(".*"):
        return rf"^{re.escape(pattern[:-1])}"
    return rf"\.{re.escape(pattern[2:])}$" if pattern.startswith("*.") else rf"(^|\.){re.escape(pattern[1:])}$"
