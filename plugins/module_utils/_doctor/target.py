# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides what to request: the page that the operator names, or a few pages of each site."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import sent_headers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import (
    DEFAULT_PORTS,
    Request,
    decode_path,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import pass_directive, proxy_locations
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import Listen, modifier

MAX_PREFIXES = 5  # pages of one server
EXAMPLE = "give a URL such as https://www.example.com/static/x.css, or a host name"


@dataclass(frozen=True)
class Target:
    """The URL that the operator names, in its parts; *scheme* and *port* may be empty."""

    scheme: str
    name: str
    port: str
    path: str


def parse(value: str) -> Target:
    """Parse the option's value; raise ValueError with the reason and the remedy."""
    if not value or re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError(f"url: '{value}' is empty or contains white space: {EXAMPLE}")
    given = value if "://" in value else f"//{value}"
    try:
        parts = urlsplit(given)
        port = str(parts.port or "")
        name = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    except (ValueError, UnicodeError) as error:
        raise ValueError(f"url: '{value}' is not a URL ({error}): {EXAMPLE}") from error
    if "@" in parts.netloc:
        raise ValueError("url: it contains a user name or a password, which the doctor does not use: remove them")
    if parts.scheme not in ("", *DEFAULT_PORTS):
        raise ValueError(f"url: '{value}' is neither http nor https: {EXAMPLE}")
    if not re.fullmatch(r"[0-9a-z_.:-]+", name):
        raise ValueError(f"url: '{value}' contains no host name: {EXAMPLE}")
    return Target(parts.scheme, name, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def find(host: Host, target: Target) -> Request | None:
    """The request for *target* on this host, None where no site of this host serves it."""
    for scheme in [target.scheme] if target.scheme else ["https", "http"]:
        port = target.port or DEFAULT_PORTS[scheme]
        for address in _addresses(host, port, target.name):
            listen = _listen_for(host, address, port, target.name)
            if listen:
                request = _request(listen, target.name, address, target.path)
                # The operator, or a redirect, may be wrong about the scheme of a port.
                return replace(request, tls=scheme == "https") if target.scheme else request
    return None


def find_behind(host: Host, target: Target) -> Request | None:
    """The request for *target* where only what stands in front of nginx has its scheme or its port."""
    for listen in sorted(host.listens, key=lambda one: ":" in one.host):
        if not listen.server.inherited("real_ip_header"):
            continue
        address = host.routing.reachable(listen)
        if _listen_for(host, address, listen.port, target.name) == listen:
            return _request(listen, target.name, address, target.path)
    return None


def is_url(text: str) -> bool:
    """Whether *text* is the URL of a page, which the doctor can request."""
    try:
        return bool(parse(text))
    except ValueError:
        return False


def follow(host: Host, url: str) -> Request | None:
    """The request for the URL of a redirect, None where no site of this host serves it."""
    return find(host, parse(url)) if is_url(url) else None


def pages(host: Host) -> Iterator[Request]:
    """Of each site with a name: its first page, and one file of each directory that it publishes."""
    seen: set[tuple[Directive, str]] = set()
    for listen in sorted(host.listens, key=lambda one: ":" in one.host):
        name, key = sites.visitor_name(listen.server), (listen.server, listen.port)
        if name is None or key in seen:
            continue
        seen.add(key)
        address = host.routing.reachable(listen)
        if _listen_for(host, address, listen.port, name) != listen:
            continue  # another server has the same name: nginx warns of it
        for path in _paths(listen.server):
            yield _request(listen, name, address, path)


def request_to(host: Host, server: Directive, path: str) -> Request | None:
    """The request for *path* of *server*, None where it has no name, or another server has its name."""
    name = sites.visitor_name(server)
    for listen in host.listens if name else ():
        if listen.server is server and name:
            address = host.routing.reachable(listen)
            if _listen_for(host, address, listen.port, name) == listen:
                return _request(listen, name, address, path)
    return None


def _paths(server: Directive) -> Iterator[str]:
    if pass_directive(sites.final_location(server, "/")):
        yield "/"
    yield from _prefixes(server)
    # A path below a root may be one of the application's.
    rooted = [found for found in sites.root_locations(server) if sites.is_static(found[1], "")]
    for location, path, directory in [*sites.alias_locations(server), *rooted]:
        if location.own("internal"):
            continue
        file = sites.sample_file(directory)
        if file:
            yield f"{path.rstrip('/')}/{quote(os.fsencode(file))}"
        elif sites.is_static(path, directory) or untrusted.link_on(directory):
            # Without a file, any name shows what is wrong with the directory.
            yield f"{path.rstrip('/')}/any"


def _prefixes(server: Directive) -> list[str]:
    """The paths below which an application has its pages, without those of websockets."""
    found = []
    for location in proxy_locations(server):
        kind, path = modifier(location)
        upgrades = any(name.lower() == "upgrade" and value for name, value in sent_headers(location))
        if kind in ("", "^~") and path.endswith("/") and path != "/" and not upgrades and not location.own("internal"):
            found.append(path)
    return found[:MAX_PREFIXES]


def _addresses(host: Host, port: str, name: str) -> list[str]:
    """The addresses of this host to which a request for *name* can go, IPv4 first."""
    if name in host.addresses:
        return [name]
    listens = sorted((one for one in host.listens if one.port == port), key=lambda one: ":" in one.host)
    return list(dict.fromkeys(map(host.routing.reachable, listens)))


def _listen_for(host: Host, address: str, port: str, name: str) -> Listen | None:
    """The listening server of the site that serves *name* there: a site of that name, or one for every name."""
    listen, pattern = host.routing.server_for(address, port, name)
    if listen is None or pattern is not None:
        return listen
    if listen.default and "/gatehouse/" in listen.server.path and sites.real_names(listen.server):
        return listen  # a site of Gatehouse with the option `default`
    serves_all = any(proxy_locations(listen.server)) or any(sites.alias_locations(listen.server))
    return listen if serves_all and not sites.real_names(listen.server) else None


def _request(listen: Listen, name: str, address: str, path: str) -> Request:
    """The request with the server and the location that answer it, which later steps take from here."""
    return Request(
        site=sites.title(listen.server),
        name=name,
        address=address,
        port=listen.port,
        tls=listen.tls,
        listens_with_tls=listen.tls,
        path=path,
        server=listen.server,
        location=sites.final_location(listen.server, decode_path(path)),
        proxy_protocol=listen.proxy_protocol,
    )
