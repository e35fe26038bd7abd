# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked: the page that the operator names, or a few of each site."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import DEFAULT, Request
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import Listen

GIVE = "give a URL such as https://www.example.com/static/x.css, or a host name"


@dataclass(frozen=True)
class Wish:
    """A URL in its parts; *scheme* and *port* may be left to what nginx has."""

    scheme: str
    name: str
    port: str
    path: str


def parse(value: str) -> Wish:
    """The option's value; raises ValueError with the reason and the remedy."""
    if not value or re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError(f"url: '{value}' is empty or holds white space: {GIVE}")
    given = value if "://" in value else f"//{value}"
    try:
        parts = urlsplit(given)
        port = str(parts.port or "")
        name = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    except (ValueError, UnicodeError) as error:
        raise ValueError(f"url: '{value}' is none ({error}): {GIVE}") from error
    if "@" in parts.netloc:
        raise ValueError("url: it holds a user name or a password, which nobody needs to know here: leave it out")
    if parts.scheme not in ("", *DEFAULT):
        raise ValueError(f"url: '{value}' is neither http nor https: {GIVE}")
    if not re.fullmatch(r"[0-9a-z_.:-]+", name):
        raise ValueError(f"url: '{value}' names no host: {GIVE}")
    return Wish(parts.scheme, name, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def serving(host: Host, address: str, port: str, name: str) -> tuple[Listen | None, str | None]:
    """The server that gets such a request, and the server name that decides; None where it is the default one."""
    return routing.server_for(routing.at(host.listens, address, port), name)


def is_served(host: Host, address: str, port: str, name: str) -> bool:
    """Whether such a request gets to a site that is meant for it: by its name, or by one without any that takes all."""
    one, pattern = serving(host, address, port, name)
    if pattern is not None or one is None:
        return pattern is not None
    takes_all = any(sites.proxied(one.server)) or any(sites.published(one.server))
    return takes_all and not sites.real_names(one.server)


def find(host: Host, wish: Wish) -> Request | None:
    """Where on this host it is asked for, None where nginx listens on no such port."""
    for scheme in [wish.scheme] if wish.scheme else ["https", "http"]:
        port = wish.port or DEFAULT[scheme]
        places = sorted((one for one in host.listens if one.port == port), key=lambda one: ":" in one.host)
        if wish.name in host.own:
            found = [wish.name]
        else:
            found = list(dict.fromkeys(routing.reachable(host.listens, one, host.own) for one in places))
        known = [address for address in found if is_served(host, address, port, wish.name)]
        for address in known or (found if wish.scheme or scheme == "http" else []):
            one, _pattern = serving(host, address, port, wish.name)
            if one:
                site = sites.title(one.server) if known else wish.name
                return Request(site, wish.name, address, port, one.tls, wish.path, one.proxy_protocol)
    return None


def follow(host: Host, url: str) -> Request | None:
    """Where a redirect leads, None where that is not to a site of this host."""
    try:
        wish = parse(url)
    except ValueError:
        return None
    request = find(host, wish)
    return request if request and is_served(host, request.address, request.port, wish.name) else None


def location_of(host: Host, request: Request) -> tuple[Directive | None, Directive | None]:
    """Server and location that get *request*."""
    one, _pattern = serving(host, request.address, request.port, request.name)
    if one is None:
        return None, None
    return one.server, routing.location_for(one.server, decoded(request.path))


def decoded(path: str) -> str:
    """The path as nginx compares it: decoded, without query, dots and double slashes."""
    plain = re.sub(r"/+", "/", unquote(re.split(r"[?#]", path)[0], errors="surrogateescape"))
    normal = posixpath.normpath(plain)
    return f"{normal}/" if plain.endswith(("/", "/.", "/..")) and normal != "/" else normal


def pages(host: Host) -> Iterator[Request]:
    """Of each site with a name: its first page, and one file of each directory that it publishes."""
    seen = set()
    for one in sorted(host.listens, key=lambda one: ":" in one.host):
        name, key = sites.visitable(one.server), (one.server, one.port)
        if name is None or key in seen:
            continue
        seen.add(key)
        address = routing.reachable(host.listens, one, host.own)
        if serving(host, address, one.port, name)[0] != one:
            continue  # another server takes the name: nginx has warned of it
        paths = ["/"] if sites.passed_to(sites.handler(one.server, routing.location_for(one.server, "/"))) else []
        # What is below a root may as well be meant for the application.
        rooted = [found for found in sites.rooted(one.server) if sites.is_static(found[1], "")]
        for location, path, directory in [*sites.published(one.server), *rooted]:
            if not location.own("internal"):
                file = sites.sample(directory)
                # Without a file, any name shows what is wrong with the directory.
                absent = "any" if sites.is_static(path, directory) or untrusted.link_on(directory) else None
                last = quote(os.fsencode(file)) if file else absent
                paths += [f"{path.rstrip('/')}/{last}"] if last else []
        for path in paths:
            yield Request(sites.title(one.server), name, address, one.port, one.tls, path, one.proxy_protocol)
