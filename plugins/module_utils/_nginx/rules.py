# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the rules of a path: an option that a location does not set comes from the longest path that encloses it.

The last one to be asked is the site. So a longer timeout for /admin/export/ leaves the password of /admin/ as it is.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Location, Site

Timeout = Literal["proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout"]
Option = Literal[
    "rate",
    "burst",
    "connections",
    "allow",
    "deny",
    "basic_auth",
    "page_cache",
    "buffering",
    "websocket",
    "client_max_body_size",
    "proxy_connect_timeout",
    "proxy_send_timeout",
    "proxy_read_timeout",
]
ACCESS: tuple[Option, ...] = ("allow", "deny", "basic_auth")
TIMEOUTS: tuple[Timeout, ...] = ("proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout")
PROXIED: tuple[Option, ...] = (
    *("rate", "burst", "connections", "page_cache", "buffering", "websocket", "client_max_body_size"),
    *TIMEOUTS,
)
# ngx_http_limit_req_module knows seconds and minutes.
RATE = re.compile(r"([1-9][0-9]{0,5})r/([sm])")
# YAML makes a boolean of a bare off, and Ansible a string of that. 0 is what ends other rules.
OFF = ("off", "False", "0")


class Rule(NamedTuple):
    """The value of an option, None if nothing sets it, and the path that sets it, empty for the site."""

    value: Any
    owner: str = ""


def encloses(outer: Location, path: str) -> bool:
    """Whether *path* is below the path of *outer*. Only whole components count: /admin encloses no /administrator."""
    if outer["alias"] and not outer["path"].endswith("/"):
        return False  # a single file
    base = outer["path"].rstrip("/")
    return path.startswith(f"{base}/") and path.rstrip("/") != base


def rule(site: Site, location: Location, option: Option) -> Rule:
    """The value of *option* for *location*, which may be inherited.

    A websocket inherits no timeout from what is none: its idle connections are meant to last.
    """
    found = _chain(site, location)
    if option == "proxy_read_timeout" and rule(site, location, "websocket").value:
        found = [outer for outer in found if rule(site, outer, "websocket").value]
    for outer in found:
        if outer[option] is not None:
            return Rule(outer[option], outer["path"])
    if option == "proxy_read_timeout" and rule(site, location, "websocket").value and not site["websocket"]:
        return Rule(None)
    return Rule(site[option])


def is_on(value: str | None) -> bool:
    """Whether *value* of ``rate`` or ``page_cache`` is one, and not its end."""
    return value is not None and value not in OFF


def rate_numbers(value: str) -> tuple[int, int]:
    """The requests of a rate, and the seconds in which a client may send them."""
    match = RATE.fullmatch(value)
    if match is None:
        raise ValueError(f"'{value}' is no rate")
    return int(match[1]), 60 if match[2] == "m" else 1


def _chain(site: Site, location: Location) -> list[Location]:
    """The location itself, and then those whose paths enclose it, the longest one first."""
    around = [
        other
        for other in site["locations"]
        if other is not location and not other["internal"] and encloses(other, location["path"])
    ]
    return [location, *sorted(around, key=lambda other: len(other["path"]), reverse=True)]
