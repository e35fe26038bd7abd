# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the rules of a site and of its locations: what nginx would refuse, would read with another meaning, or ignore.

Every function raises ValueError with one sentence that names the option, the value and the remedy. No message contains
a password or a hash.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import rules, values
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.password_hash import check_hash
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Location, Rules, Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import check_value, shown

MOST = 100_000
MOST_CONNECTIONS = 65_535  # ngx_http_limit_conn_module
NOT_FOR_FILES = (
    "has no effect on files, which nginx sends itself ('alias'), only on an application ('proxy_pass'): remove it"
)
USER = re.compile(r"[^\x00-\x1f\x7f:#][^\x00-\x1f\x7f:]{0,127}")


def check_rules(given: Rules | Site | Location, where: str) -> None:
    """Refuse wrong values in the rules *given*."""
    check_value(_check_rate, where, "rate", given["rate"])
    _check_number(given["burst"], where, "burst")
    _check_number(given["connections"], where, "connections", MOST_CONNECTIONS)
    for network in given["allow"] or []:
        check_value(network_of, where, "allow", network)
    for network in given["deny"] or []:
        check_value(network_of, where, "deny", network)
    _check_users(given["basic_auth"] or {}, where)
    if rules.is_on(given["page_cache"]):
        check_value(_check_seconds, where, "page_cache", given["page_cache"])
        for other, holds in (
            ("buffering: false", given["buffering"] is False),
            ("websocket: true", given["websocket"]),
        ):
            if holds:
                raise ValueError(
                    f"{where}: page_cache '{given['page_cache']}' has no effect with '{other}': remove one of the two"
                )
    check_value(values.check_size, where, "client_max_body_size", given["client_max_body_size"])
    for option in rules.TIMEOUTS:
        check_value(values.check_time, where, option, given[option])


def check_location_rules(location: Location, where: str) -> None:
    """Refuse wrong values in the rules of *location*, and those that have no effect on it."""
    check_rules(location, where)
    if location["alias"] is not None:
        for option in rules.PROXIED:
            if location[option] is not None:
                raise ValueError(f"{where}: '{option}' {NOT_FOR_FILES}")
    if location["internal"]:
        for option in rules.ACCESS:
            if location[option] is not None:
                raise ValueError(
                    f"{where}: '{option}' has no effect with 'internal': only responses of the application lead "
                    "there; set it for the path of the application that sends them"
                )


def check_coverage(site: Site, where: str) -> None:
    """Refuse rules of *site* that have no effect together, and two locations for the same paths."""
    if site["burst"] is not None and not rules.is_on(site["rate"]):
        raise ValueError(_without_rate(where, site["burst"]))
    bases: dict[str, str] = {}
    for location in site["locations"]:
        place = f"{where}, location {shown(location['path'])}"
        if location["burst"] is not None and not rules.is_on(rules.rule(site, location, "rate").value):
            raise ValueError(_without_rate(place, location["burst"]))
        if location["proxy_pass"] is not None:
            other = bases.setdefault(location["path"].rstrip("/"), location["path"])
            if other != location["path"]:
                raise ValueError(
                    f"{where}: the locations '{other}' and '{location['path']}' cover the same paths: "
                    "merge them into one"
                )


def _without_rate(where: str, burst: int) -> str:
    return f"{where}: burst '{burst}' has no effect without 'rate': add a rate such as '5r/m', or remove it"


def network_of(value: str) -> str:
    """The network *value* in the form that nginx reads, or ``all``."""
    if value == "all":
        return value
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        network = None
    _address, slash, length = value.partition("/")
    if network is None or "%" in value or (slash and not length.isdecimal()):
        raise ValueError("is not an address or a network, such as '192.0.2.7', '10.0.0.0/8', '2001:db8::/32' or 'all'")
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped:
        raise ValueError("never matches, because nginx compares such an address as one of IPv4: write it as IPv4")
    written = str(network) if slash else str(network.network_address)
    if slash and str(ipaddress.ip_interface(value).ip) != str(network.network_address):
        raise ValueError(f"is an address inside of a network: write '{written}' for all of it")
    return written


def _check_rate(value: str) -> None:
    if value not in rules.OFF and not rules.RATE.fullmatch(value):
        raise ValueError("is not a rate such as '10r/s' (requests in a second) or '5r/m' (in a minute), or 'off'")


def _check_seconds(value: str) -> None:
    if re.fullmatch(r"0+(?:ms|s|m|h|d)", value):
        raise ValueError("keeps no page: write 'off'")
    values.check_time(value)
    if value.endswith("ms"):
        raise ValueError("is in milliseconds, but nginx keeps pages for whole seconds: write one like '1s'")


def _check_number(value: int | None, where: str, option: str, most: int = MOST) -> None:
    if value is not None and not 0 <= value <= most:
        raise ValueError(f"{where}: {option} '{value}' is not a number from 0 to {most}")


def _check_users(users: dict[Any, Any], where: str) -> None:
    """No message names a user before its password is one: a slip in YAML can put the password into the name."""
    for number, (user, password) in enumerate(users.items(), 1):
        place = f"{where}: basic_auth: entry {number}"
        if isinstance(user, str) and ":" in user:
            raise ValueError(f"{place} has a ':' in the name of its user: write a space after the colon")
        if password is None:
            raise ValueError(f"{place} has no password: write it like 'user: password'")
        if not isinstance(user, str) or not USER.fullmatch(user):
            raise ValueError(
                f"{place} has no user name: use a string without ':' and control characters, up to 128 characters long"
            )
        place = f"{where}: basic_auth: the password of user '{user}'"
        if not isinstance(password, str):
            raise ValueError(f"{place} is not a string: quote it")
        if not password.strip():
            raise ValueError(f"{place} is empty: set one, or remove the user")
        try:
            check_hash(password)
        except ValueError as reason:
            raise ValueError(f"{place} {reason}") from reason
