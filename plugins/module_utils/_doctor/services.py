# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service of systemd behind a location that an operator wrote, whether it runs or not."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service, describe, service_at
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import upstream_addresses
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

MAX_ENVIRONMENT = 1 << 20  # bytes
# Units that role django_app writes have other causes.
OF_AN_APP = re.compile(r"-web@")


def at(host: Host, address: str) -> Service | None:
    """The service that listens on *address*."""
    if address not in host.services:
        host.services[address] = service_at(host.run, address, host.sockets)
    return host.services[address]


def behind(host: Host, location: Directive) -> Service | None:
    """The service that listens where *location* passes requests, else the one whose command names that address."""
    for address in upstream_addresses(location):
        found = at(host, address) or named_in_command(host, address)
        if found:
            return found
    return None


def named_in_command(host: Host, address: str) -> Service | None:
    """The operator's service whose command names *address*: the one that is meant to listen there."""
    found = [service for service in handmade_services(host.run).values() if binds(service, address)]
    return found[0] if len(found) == 1 else None


def handmade_services(run: Run) -> dict[str, Service]:
    """The services whose units an operator has written, by name."""
    try:
        names = sorted(os.listdir(UNIT_DIRECTORY))
    except OSError:
        return {}
    units = [name for name in names if name.endswith(".service") and "@." not in name and not OF_AN_APP.search(name)]
    return {name: service for name, service in describe(run, units).items() if service.argv}


def binds(service: Service, address: str) -> bool:
    """Whether the command of the service names *address*."""
    path = address.removeprefix("unix:") if address.startswith("unix:") else ""
    if path:
        # /var/run is /run.
        return any(word.endswith(path.removeprefix("/var")) for word in service.argv)
    port = address.rpartition(":")[2]
    return any(re.search(rf"(?:^|[:=]){port}$", word) for word in service.argv[1:])


def environment(service: Service) -> Mapping[str, str]:
    """The environment of the main process of the service, empty where it does not run."""
    return dict(_environment(service.pid)) if service.pid else {}


def _environment(pid: int) -> Iterator[tuple[str, str]]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            words = file.read(MAX_ENVIRONMENT).split(b"\0")
    except OSError:
        return
    for word in words:
        name, equals, value = os.fsdecode(word).partition("=")
        if equals:
            yield name, value
