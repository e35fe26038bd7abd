# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse servers that share an address and port, and differ about the PROXY protocol.

nginx reads it at the beginning of a connection, before it knows the server: if one server of an address expects it, all
do (ngx_http_add_addresses). Before 1.25.5 nginx says nothing about that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import SiteRecord
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import listen_address

LISTEN = re.compile(r"^[^#\n]*?\blisten\s+([^;]*);", re.MULTILINE)


def expectations(site: SiteRecord) -> dict[str, bool]:
    """Whether *site* expects the PROXY protocol, by address."""
    found = {address: bool(site.get("proxy_protocol")) for address in site["listen"]}
    tls = site.get("tls")
    return found | {address: "proxy_protocol" in tls["options"] for address in tls["listen"]} if tls else found


def refuse_mixed(sites: Mapping[str, SiteRecord]) -> None:
    """Raise ValueError if two of *sites* share an address, and only one of them expects the PROXY protocol."""
    first: dict[str, tuple[str, bool]] = {}
    for name, site in sites.items():
        for address, expected in expectations(site).items():
            other, others = first.setdefault(address, (name, expected))
            if others != expected:
                one, another = (name, other) if expected else (other, name)
                raise ValueError(
                    f"site '{one}' expects the PROXY protocol on address '{address}' (behind: proxy_protocol) and site "
                    f"'{another}' does not: nginx expects it of all connections to an address and port, or of none; "
                    "give both sites the same 'behind', or one of them another listen"
                )


def conflict(dump: str, conf_dir: str, sites: Mapping[str, SiteRecord]) -> str | None:
    """A sentence about another file in an ``nginx -T`` dump that shares an address of *sites* without the protocol."""
    ours = {
        address: name for name, site in sites.items() for address, expected in expectations(site).items() if expected
    }
    parts = re.split(r"^# configuration file (.+):\n", dump, flags=re.MULTILINE)
    for path, text in zip(parts[1::2], parts[2::2], strict=True):
        if path.startswith(f"{conf_dir}/gatehouse/"):
            continue
        for directive in LISTEN.finditer(text):
            address, *options = directive[1].split()
            name = ours.get(_normalised(address))
            if name and "proxy_protocol" not in options and "quic" not in options:
                line = text.count("\n", 0, directive.start(1)) + 1
                return (
                    f"site '{name}' expects the PROXY protocol on address '{address}' (behind: proxy_protocol), and "
                    f"{path}:{line} listens there without it: nginx would expect it of all connections. Add "
                    "'proxy_protocol' there, or give the site another listen."
                )
    return None


def _normalised(address: str) -> str:
    # Without a port it is 80: nginx tests the configuration as root.
    for written in (address, f"{address}:80"):
        try:
            return listen_address(written)
        except ValueError:
            continue
    return address
