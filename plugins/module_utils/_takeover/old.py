# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What serves a site now: nginx's files, the service behind them, and the other services of the same project."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.handmade import HandmadeSite, handmade_sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service, describe
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive


class Refused(Exception):
    """The takeover was refused; the text names the reason and the remedy."""


@dataclass(frozen=True)
class OldSite:
    """A hand-made site with all that goes when Gatehouse takes it over."""

    site: HandmadeSite
    # nginx's files with its server blocks, as nginx includes them.
    files: tuple[str, ...]
    # The other services of the project: workers, schedulers.
    companions: tuple[Service, ...]

    @property
    def service(self) -> Service:
        """The service that answers its requests."""
        return self.site.service

    @property
    def can_wait(self) -> bool:
        """Whether requests can wait in the queue of a socket unit, and then go to the app."""
        return bool(self.service.sockets) and self.site.speaks_http

    @property
    def units(self) -> list[str]:
        """All of its units, those that start another one first."""
        return [unit for service in (*self.companions, self.service) for unit in service.units]


def find(host: Host, names: Collection[str]) -> OldSite | None:
    """What serves *names* by hand, None where Gatehouse serves them or nothing does; raise Refused if unclear."""
    servers = [one for one in dict.fromkeys(listen.server for listen in host.listens) if not host.is_managed(one)]
    own = [server for server in servers if set(names) & set(sites.real_names(server))]
    if not own:
        return None
    files = tuple(dict.fromkeys(server.path for server in own))
    for server in servers:
        _refuse_shared(host, server, files, names)
    found = [one for one in handmade_sites(host) if one.server in own]
    services = {one.service.unit: one.service for one in found}
    if len(services) != 1:
        behind = f"the services {', '.join(services)} are" if services else "no service of systemd is"
        raise Refused(
            f"sites: {behind} behind {', '.join(files)}; a takeover needs exactly one, which it can stop. "
            "Nothing was changed."
        )
    ((unit, service),) = services.items()
    if os.path.dirname(service.path) != UNIT_DIRECTORY:
        raise Refused(
            f"sites: {unit}, behind {files[0]}, comes from a package ({service.path}) and may run other applications. "
            f"Give the project a unit of its own in {UNIT_DIRECTORY} first. Nothing was changed."
        )
    secured = [one for one in found if all(one.certificate)]
    return OldSite((secured or found)[0], files, companions(host.run, service))


def _refuse_shared(host: Host, server: Directive, files: Collection[str], names: Collection[str]) -> None:
    """Refuse a file that has another site as well."""
    others = sorted(set(sites.real_names(server)) - set(names))
    is_shared = server.path in files and (others or not sites.real_names(server))
    if server.path == host.nginx["conf_path"] and server.path in files:
        others, is_shared = ["all other configuration"], True
    if is_shared:
        raise Refused(
            f"sites: {server.where} also serves {', '.join(others) or 'all other names'}. Move that server block to a "
            "file of its own, or add the names to server_name or redirect_from of the app's site. Nothing was changed."
        )


def companions(run: Run, service: Service) -> tuple[Service, ...]:
    """The hand-made services that run the same project: in its directory, or by its virtual environment."""
    places = {service.directory, os.path.dirname(os.path.dirname(service.python))} - {"", "/"}
    _rc, out, _err = run(["systemctl", "list-units", "--type=service", "--all", "--plain", "--no-legend"])
    running = [line.split()[0] for line in out.splitlines() if line.strip()]
    files = [path for path in glob.glob(f"{UNIT_DIRECTORY}/*.service") if not path.endswith("@.service")]
    names = dict.fromkeys([*running, *map(os.path.basename, files)])
    known = describe(run, [name for name in names if name != service.unit])
    return tuple(one for one in known.values() if _is_companion(one, places))


def _is_companion(service: Service, places: Collection[str]) -> bool:
    program = service.argv[0] if service.argv else ""
    inside = any(f"{path}/".startswith(f"{place}/") for path in (service.directory, program) for place in places)
    return inside and os.path.dirname(service.path) == UNIT_DIRECTORY and (service.is_active or service.is_enabled)
