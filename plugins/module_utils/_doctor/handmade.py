# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sites that an operator made by hand: a server block of nginx, and the systemd service behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service, service_at
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import (
    app_name,
    pass_directive,
    upstream_addresses,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive


@dataclass(frozen=True)
class HandmadeSite:
    """A site whose server block and service Gatehouse does not manage."""

    server: Directive
    names: tuple[str, ...]
    # Where nginx passes requests: ``unix:/path`` or ``host:port``.
    address: str
    service: Service
    # Whether nginx speaks HTTP with it, without TLS, as with an app of Gatehouse.
    speaks_http: bool = True

    @property
    def certificate(self) -> tuple[str, str]:
        """The files with its certificate and its key, empty without TLS."""
        found = (self.server.inherited(name) for name in ("ssl_certificate", "ssl_certificate_key"))
        certificate, key = (one.args[0] if one and one.args else "" for one in found)
        return certificate, key


def handmade_sites(host: Host) -> Iterator[HandmadeSite]:
    """Each server block of an operator that passes its requests to a service of systemd."""
    known: dict[str, Service | None] = {}
    for server in dict.fromkeys(one.server for one in host.listens):
        found = None if host.is_managed(server) else _upstream(host, server, known)
        if found and sites.real_names(server):
            passing = pass_directive(sites.final_location(server, "/"))
            speaks_http = passing is not None and " ".join(passing.args).startswith("http://")
            yield HandmadeSite(server, tuple(sites.real_names(server)), *found, speaks_http)


def service_of(host: Host, server: Directive) -> Service | None:
    """The service behind *server*, which an operator wrote; None where systemd has none."""
    found = None if host.is_managed(server) else _upstream(host, server, {})
    return found[1] if found else None


def _upstream(host: Host, server: Directive, known: dict[str, Service | None]) -> tuple[str, Service] | None:
    """The address of *server* and the service there; *known* has the services of addresses by now."""
    location = sites.final_location(server, "/")
    if app_name(location):
        return None
    for address in upstream_addresses(location):
        if address not in known:
            known[address] = service_at(host.run, address, host.sockets)
        service = known[address]
        if service:
            return address, service
    return None
