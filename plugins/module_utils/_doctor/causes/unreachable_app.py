# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx cannot connect to an address of the application."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import address as addresses
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import applications, commands, places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.applications import Application
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.permissions import find_obstacle
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import upstream_addresses
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

REASONS: dict[type[Exception], str] = {
    FileNotFoundError: "there is no socket",
    ConnectionRefusedError: "nothing listens",
    BlockingIOError: "the queue of connections is full",
    TimeoutError: f"nothing answers within {addresses.CONNECT_SECONDS:.0f} seconds",
}
SHOWN = 8  # applications


def explain(visit: Visit) -> Finding | None:
    """The first address that nginx may not use, or on which nothing listens."""
    if not visit.is_unanswered or visit.pass_directive is None:
        return None
    for address in upstream_addresses(visit.location):
        path = addresses.unix_path(address)
        obstacle = find_obstacle(visit.host, path, "w") if path else None
        if obstacle:
            cause = f"nginx cannot reach the socket {path}: {obstacle.cause}"
            return Finding(visit.request.site, f"{cause}.", obstacle.remedy)
        error = addresses.connection_error(visit.host, address)
        if error:
            cause = f"nginx passes requests to {address} ({visit.pass_directive.where}), where {_reason(error)}"
            if isinstance(error, (TimeoutError, BlockingIOError)) and (name := _service_at(visit, address)):
                cause = f"{cause}, although {name} listens there: it does not take connections from its queue"
                remedy = f"Read `journalctl -n 50 -u {name}`, then `systemctl restart {name}`."
                return Finding(visit.request.site, f"{cause}.", remedy)
            return _elsewhere(visit, visit.pass_directive, address, cause)
    return None


def _reason(error: Exception) -> str:
    return REASONS.get(type(error), f"the connection fails: {getattr(error, 'strerror', None) or error}")


def _service_at(visit: Visit, address: str) -> str:
    names = [one.name for one in applications.applications(visit.host) if one.address == address and not one.app]
    return next((name for name in names if name.endswith(".service")), "")


def _elsewhere(visit: Visit, passing: Directive, address: str, cause: str) -> Finding:
    """Add the application that is meant, if there is a reason to know it, or else all that listen."""
    site, unit = visit.request.site, visit.host.sockets.get(address)
    if unit:
        if unit.is_active:
            return Finding(site, f"{cause}, although {unit.unit} is active.", f"`systemctl restart {unit.unit}`")
        cause += f": the socket unit {unit.unit}, which listens there, is not active"
        return Finding(site, f"{cause}.", f"`systemctl enable --now {unit.unit}`")
    meant = applications.meant_for(visit.host, visit.server)
    if len(meant) == 1:
        return _of(visit, passing, cause, meant[0])
    others = ", ".join(f"{one.name} ({one.address})" for one in applications.applications(visit.host)[:SHOWN])
    place = "'upstream' of the site in django_sites" if visit.host.is_managed(passing) else passing.where
    remedy = f"Start the application that is meant to listen on {address}, or correct the address in {place}"
    known = f"; applications of this host: {others}" if others else ""
    return Finding(site, f"{cause}{known}.", f"{remedy}.")


def _of(visit: Visit, passing: Directive, cause: str, meant: Application) -> Finding:
    site = visit.request.site
    cause = f"{cause}; {meant.name}, whose files this site publishes, listens on {meant.address}"
    if visit.host.is_managed(visit.location):
        option = f"app: {meant.app}" if meant.app else f"upstream: {meant.address.removeprefix('unix:')}"
        return Finding(site, f"{cause}.", f"Write {places.in_inventory(visit.location, option)}.")
    if not commands.is_plain(meant.address):
        return Finding(site, f"{cause}.", f"Correct {passing.where}, then {places.RELOAD}.")
    target = f"http://{meant.address}" if passing.name == "proxy_pass" else meant.address
    return Finding(site, f"{cause}.", f"Write '{passing.name} {target};' in {passing.where}, then {places.RELOAD}.")
