# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Determine what a site behind another server believes of it, in nginx's terms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.behind import DEFAULT_HEADER, fronting, networks
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts, Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.request_headers import AGAIN, RELEASE, of_visitor

REALIP = "--with-http_realip_module"


@dataclass(frozen=True)
class Front:
    """What stands in front of a site.

    The names of its variables end with *key*, a digest of the rest. Sites with the same options define the same
    variables, which nginx accepts: its table of variables has room for a thousand.
    """

    key: str
    networks: list[str]
    # The value of `real_ip_header`.
    header: str
    proxy_protocol: bool
    # The scheme of all requests, None where each has its own.
    fixed_scheme: str | None
    hsts: str | None
    redirects: bool
    # Whether these are balancers of Gatehouse.
    balancers: bool = False

    @property
    def scheme(self) -> str:
        """The variable with the visitor's scheme."""
        return f"$gatehouse_scheme_{self.key}"

    @property
    def port(self) -> str:
        """The variable with the port of the visitor's URL, with its colon; empty for the default one."""
        return f"$gatehouse_port_{self.key}"

    @property
    def request_headers(self) -> list[tuple[str, str]]:
        """The request headers that depend on what stands in front."""
        found = of_visitor(self.scheme, self.port, None if self.proxy_protocol else self.header)
        return [*found, (AGAIN, ""), (RELEASE, "")] if self.balancers else found


def front(host: NginxFacts, site: Site) -> Front | None:
    """What stands in front of *site*, None for nothing. Raises ValueError if the host's nginx cannot believe it."""
    behind = fronting(site)
    if behind is None:
        return None
    if host["installed"] and REALIP not in host["configure_arguments"]:
        raise ValueError(
            f"site '{site['name']}': behind needs nginx's module realip, and nginx {host['version']} on this host was "
            f"built without it ({REALIP}): install the distribution's package, or remove behind. Nothing was changed."
        )
    header = "proxy_protocol" if behind["proxy_protocol"] else behind["header"] or DEFAULT_HEADER
    options: tuple[Any, ...] = (
        networks(behind),
        header,
        behind["proxy_protocol"],
        behind["scheme"],
        site["hsts"],
        site["tls"] != "off" and not behind["balancers"],
    )
    if behind["balancers"]:
        options = (*options, True)
    return Front(hashlib.sha256(repr(options).encode()).hexdigest()[:12], *options)
