# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the option ``behind`` of a site: the balancer, CDN or proxy in front of nginx.

The checks raise ValueError with one sentence that names the option, the value and the remedy.
"""

from __future__ import annotations

import ipaddress
import re

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Behind, SiteOptions
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import shown

DEFAULT_HEADER = "X-Forwarded-For"
HEADER = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
# Headers that cannot bring an address, or that nginx cannot read.
WRONG_HEADERS = {
    "forwarded": "nginx cannot read the syntax of RFC 7239: let the balancer send X-Forwarded-For",
    "host": "it contains the name of the site",
    "x-forwarded-proto": "it contains the scheme, and nginx reads it by itself",
    "x-forwarded-port": "it contains the port, and nginx reads it by itself",
    "proxy-protocol": "set 'proxy_protocol' to true instead",
    "proxy_protocol": "set 'proxy_protocol' to true instead",
}


def fronting(site: SiteOptions) -> Behind | None:
    """The option ``behind`` of *site*, None where nothing stands in front of nginx: without it, or with ``{}``."""
    behind = site["behind"]
    return behind if behind and any(behind.values()) else None


def check_behind(site: SiteOptions, where: str) -> None:
    """Refuse what would let visitors choose their own address, and what cannot work behind another server."""
    behind = fronting(site)
    if behind is None:
        return
    where = f"{where}: behind"
    if not behind["addresses"]:
        raise ValueError(
            f"{where}: addresses is missing: list the addresses or networks of what stands in front of nginx, such as "
            "[10.0.0.5, 192.0.2.0/24]; nginx believes only them"
        )
    for address in behind["addresses"]:
        network(address, where)
    if behind["header"] is not None:
        _check_header(behind, where)
    if behind["balancers"] and behind["proxy_protocol"]:
        raise ValueError(
            f"{where}: 'balancers' are proxies that speak HTTP: remove proxy_protocol, or let a firewall close the way "
            "past what stands in front"
        )
    if site["http3"]:
        raise ValueError(
            f"{where}: 'http3' has no effect, because visitors connect to what stands in front of nginx: offer HTTP/3 "
            "there, and remove http3"
        )


def _check_header(behind: Behind, where: str) -> None:
    header = behind["header"] or ""
    if behind["proxy_protocol"]:
        raise ValueError(
            f"{where}: header '{header}' has no effect with proxy_protocol, which brings the visitor's address itself: "
            "remove one of the two"
        )
    wrong = WRONG_HEADERS.get(header.lower())
    if wrong:
        raise ValueError(f"{where}: header '{header}' cannot bring the visitor's address: {wrong}")
    if not HEADER.fullmatch(header):
        raise ValueError(
            f"{where}: header {shown(header)} is not the name of a header: letters, digits and '-', such as "
            "CF-Connecting-IP"
        )


def network(value: str, where: str) -> str:
    """Normalise an address or a network; raises ValueError for one that nginx would read with another meaning."""
    remedy = "write one like 192.0.2.7 or 10.0.0.0/8"
    try:
        found = ipaddress.ip_network(value, strict=False)
        mask = value.partition("/")[2]
        if mask and not mask.isdecimal():
            raise ValueError("not a prefix length")
        if str(found.network_address) != str(ipaddress.ip_address(value.partition("/")[0])):
            remedy = f"write '{found}'"
            raise ValueError("has host bits set")
    except ValueError as error:
        raise ValueError(f"{where}: addresses: {shown(value)} is not an IP address or a network: {remedy}") from error
    if not found.prefixlen:
        raise ValueError(
            f"{where}: addresses: '{value}' contains every address, so that each visitor could choose its own: list "
            "only the addresses of what stands in front of nginx"
        )
    if isinstance(found, ipaddress.IPv6Network) and (found.network_address.ipv4_mapped or "%" in value):
        raise ValueError(f"{where}: addresses: '{value}' never matches: write the IPv4 address, or one without zone")
    return str(found.network_address) if found.prefixlen == found.max_prefixlen else str(found)


def networks(behind: Behind) -> list[str]:
    """The normalised networks of *behind*, each once."""
    return list(dict.fromkeys(network(address, "behind") for address in behind["addresses"] or []))
