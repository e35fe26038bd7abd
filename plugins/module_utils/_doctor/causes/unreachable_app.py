# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx cannot connect to an address of the application."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import address as addresses
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.permissions import find_obstacle
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import listening_sockets
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import upstream_addresses
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

REASONS: dict[type[Exception], str] = {
    FileNotFoundError: "there is no socket",
    ConnectionRefusedError: "nothing listens",
    BlockingIOError: "the queue of connections is full",
    TimeoutError: f"nothing answers within {addresses.CONNECT_SECONDS:.0f} seconds",
}


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
            return _elsewhere(visit, visit.pass_directive, address, cause)
    return None


def _reason(error: Exception) -> str:
    return REASONS.get(type(error), f"the connection fails: {getattr(error, 'strerror', None) or error}")


def _elsewhere(visit: Visit, passing: Directive, address: str, cause: str) -> Finding:
    """Add the addresses that applications of this host listen on, one of which may be the right one."""
    site, is_managed = visit.request.site, visit.host.is_managed(visit.location)
    apps = addresses.probable_apps(visit.server)
    if len(apps) == 1:
        real = addresses.socket_address(apps[0])
        remedy = f"Write 'proxy_pass http://{real};' in {passing.where} and `systemctl reload nginx`."
        if is_managed:
            remedy = f"Write 'app: {apps[0]}' instead of 'upstream' for the site in django_sites."
        return Finding(site, f"{cause}; the app {apps[0]} listens on {real}.", remedy)
    return _of_socket_unit(visit, passing, address, cause) or _others(visit, passing, address, cause)


def _of_socket_unit(visit: Visit, passing: Directive, address: str, cause: str) -> Finding | None:
    """The socket unit of an operator that is meant: the one of this address, else the only one of the host."""
    site, known = visit.request.site, listening_sockets(visit.host.run)
    meant = known.get(address)
    if meant and not meant.is_active:
        cause += f": the socket unit {meant.unit}, which listens there, is not active"
        return Finding(site, f"{cause}.", f"`systemctl enable --now {meant.unit}`")
    handmade = {one: unit for one, unit in known.items() if unit.is_handmade and unit.is_active}
    if meant or len(handmade) != 1 or visit.host.is_managed(visit.location):
        return None
    ((real, unit),) = handmade.items()
    return Finding(
        site,
        f"{cause}; {unit.unit} of this host, which starts {unit.service}, listens on {real}.",
        f"Write '{passing.name} {_target(passing, real)};' in {passing.where} and `systemctl reload nginx`.",
    )


def _target(passing: Directive, address: str) -> str:
    return f"http://{address}" if passing.name == "proxy_pass" else address


def _others(visit: Visit, passing: Directive, address: str, cause: str) -> Finding:
    site, is_managed = visit.request.site, visit.host.is_managed(visit.location)
    apps = addresses.probable_apps(visit.server)
    others = [addresses.socket_address(app) for app in apps] + addresses.python_listeners(visit.host)
    if not others:
        return Finding(site, f"{cause}.", f"Start the application that is meant to listen on {address}.")
    place = "'upstream' of the site in django_sites" if is_managed else passing.where
    return Finding(
        site,
        f"{cause}; applications of this host listen on {', '.join(others)}.",
        f"Write the address of the right one in {place}, or start the application that is meant.",
    )
