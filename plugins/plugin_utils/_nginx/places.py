# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Determine nginx's locations of a site, each with the rules that hold there in nginx's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import page_caches, rules
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Location, NginxFacts, Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.upstreams import group_of
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import milliseconds
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.site_access import (
    Access,
    access_of,
    digest,
    password_owners,
    site_access,
)

# The client that is counted (templates/http.conf.j2).
CLIENT = "$gatehouse_client"
# A state of a client has 128 bytes, so this is enough for 80,000 clients at once; then nginx forgets the oldest ones.
# It takes memory only as it fills.
ZONE_SIZE = "10m"
# The time to reach a host of a group. TCP repeats its first packet after a second (RFC 6298), so one may get lost.
CONNECT_TIMEOUT = "2s"
# By how much nginx waits longer for a host of a group than that waits for its application, in milliseconds.
MARGIN = 5000
# What role django_app adds to the names of compressed copies, and where gzip_static and brotli_static look for them.
COMPRESSED = (".gz", ".br")


@dataclass(frozen=True)
class Zone:
    """Shared memory in which nginx counts. nginx keeps it over a reload, and refuses another key for the same name."""

    name: str
    key: str
    size: str
    # None for one of connections.
    rate: str | None = None


@dataclass(frozen=True)
class PageCache:
    """The directory with the pages of a site, and the memory for their keys. nginx refuses another path for a name."""

    name: str
    directory: str
    # 8,000 keys in a megabyte.
    memory: str = "4m"
    size: str = "100m"


@dataclass(frozen=True)
class Place:
    """One of nginx's locations, with the options of the site's location that it belongs to."""

    location: Location
    path: str
    # Whether it is for this path only (``location =``), and not for all below it.
    exact: bool
    # None where the rules of the server hold.
    access: Access | None
    # What is added to the name of the location's file.
    ending: str = ""
    # A regular expression of the paths that nginx and the application read differently; None where there are none.
    guard: str | None = None
    # Whether requests bring the password of basic_auth, which is not for the application.
    has_password: bool = False
    websocket: bool = False
    buffered: bool = True
    # The directives with one value: sizes and timeouts.
    values: dict[str, str] = field(default_factory=dict)
    requests: Zone | None = None
    burst: int = 0
    # Seconds until the next request is accepted.
    retry_after: int = 1
    connections: Zone | None = None
    most_connections: int = 0
    # The time for which pages are kept whose application does not say it; None without a cache.
    page_cache: str | None = None


def places(site: Site) -> list[Place]:
    """nginx's locations for those of *site*.

    A proxied path stands for whole components: /admin and /admin/ both are /admin and all below /admin/. Without a
    location for the path itself nginx would redirect it to the one with a slash, or use the rules of another path.
    """
    # Of files, one that ends with '/' is a directory, and any other one a single file.
    files = {location["path"] for location in site["locations"] if location["alias"] is not None}
    proxied = {location["path"].rstrip("/") for location in site["locations"] if location["alias"] is None}
    found = []
    for location in site["locations"]:
        base = location["path"].rstrip("/")
        if location["alias"] is not None:
            paths = [location["path"]]
        else:
            paths = [path for path in (base, f"{base}/") if path and path not in files]
        here = [_place(site, location, path) for path in paths]
        copies = [replace(here[0], path=base + ending, ending=ending) for ending in _endings(location)]
        found += [*here, *(copy for copy in copies if copy.path not in files | proxied)]
    return found


def _endings(location: Location) -> tuple[str, ...]:
    """The endings of compressed copies of a single file with rules: nginx serves them under their own paths, too."""
    is_file = location["alias"] is not None and not location["alias"].endswith("/")
    has_rules = location["internal"] or any(location[option] is not None for option in rules.ACCESS)
    return COMPRESSED if is_file and has_rules else ()


def page_cache(site: Site, host: NginxFacts) -> PageCache | None:
    """The cache of *site* and its applications, None if no location uses it: another one would send its stale pages."""
    cached = {(place.path, str(place.location["proxy_pass"])) for place in places(site) if place.page_cache}
    if not cached:
        return None
    key = digest(*(part for pair in sorted(cached) for part in pair), repr(site["behind"]))
    # A site's name contains no dot.
    directory = f"{page_caches.root(host)}/{page_caches.PREFIX}{site['name']}.{key}"
    return PageCache(f"gatehouse_pages_{site['name']}_{digest(directory, PageCache.memory)}", directory)


def zones(site: Site) -> list[Zone]:
    """The zones that the locations of *site* use."""
    used = [zone for place in places(site) for zone in (place.requests, place.connections) if zone]
    return sorted(set(used), key=lambda zone: zone.name)


def _place(site: Site, location: Location, path: str) -> Place:
    found = {option: rules.rule(site, location, option) for option in (*rules.ACCESS, *rules.PROXIED)}
    here = access_of(site, found["allow"], found["deny"], found["basic_auth"])
    if location["internal"]:
        # A response of the application leads there: its request was checked.
        here = Access()
    access = None if here == site_access(site) else here
    exact = not path.endswith("/")
    if location["alias"] is not None:
        return Place(location, path, exact, access)
    rate, connections, burst = found["rate"], found["connections"], found["burst"].value
    limits: dict[str, object] = {}
    if rules.is_on(rate.value):
        number, seconds = rules.rate_numbers(rate.value)
        limits["requests"] = _zone("rate", site, rate.owner, rate.value)
        limits["burst"] = number if burst is None else burst
        limits["retry_after"] = -(-seconds // number)
    if connections.value:
        limits["connections"] = _zone("connections", site, connections.owner)
        limits["most_connections"] = connections.value
    websocket, buffered = bool(found["websocket"].value), found["buffering"].value is not False
    if rules.is_on(found["page_cache"].value) and buffered and not websocket:
        limits["page_cache"] = found["page_cache"].value
    return Place(
        location,
        path,
        exact,
        access,
        guard=_guard(location["path"]),
        has_password=bool(found["basic_auth"].value) or (location["internal"] and bool(password_owners(site))),
        websocket=websocket,
        buffered=buffered,
        values=_values(site, found) | (_group_timeouts(found) if group_of(site, location) else {}),
        **limits,  # type: ignore[arg-type]
    )


def _guard(path: str) -> str | None:
    """The requests in which a component of *path* is empty: nginx merges '//', but passes it to the application."""
    components = path.strip("/").count("/") + 1
    slash = "(?:/|%2f)"
    return rf"^(?:{slash}(?:(?!%2f)[^/?#])+){{0,{components - 1}}}{slash}{{2}}" if path != "/" else None


def _values(site: Site, found: Mapping[rules.Option, rules.Rule]) -> dict[str, str]:
    """The directives with one value that differ from the server's, in the order of the template."""
    chosen: dict[str, str] = {}
    size = found["client_max_body_size"].value
    if size != site["client_max_body_size"]:
        chosen["client_max_body_size"] = size
    for option in rules.TIMEOUTS:
        if found[option].value is not None:
            chosen[option] = found[option].value
    if found["websocket"].value and found["proxy_read_timeout"].value is None:
        chosen["proxy_read_timeout"] = "1h"
    return chosen


def _group_timeouts(found: Mapping[rules.Option, rules.Rule]) -> dict[str, str]:
    """The timeouts for a group of hosts.

    A host answers 504 itself when its application is slow. It would seem dead if nginx stopped waiting before that.
    """
    connect = found["proxy_connect_timeout"].value or CONNECT_TIMEOUT
    longer = {"proxy_send_timeout": "60s", "proxy_read_timeout": "1h" if found["websocket"].value else "60s"}
    return {
        "proxy_connect_timeout": connect,
        **{
            option: f"{milliseconds(found[option].value or default) + MARGIN}ms"  # type: ignore[index]
            for option, default in longer.items()
        },
    }


def _zone(kind: str, site: Site, owner: str, rate: str | None = None) -> Zone:
    """A zone whose name tells what it is made of: nginx refuses to reload another key under a name that it knows."""
    name = f"gatehouse_{kind}_{site['name']}_{digest(owner, CLIENT, ZONE_SIZE)}"
    return Zone(name, CLIENT, ZONE_SIZE, rate)
