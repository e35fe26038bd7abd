# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan how web hosts are drained or brought back, and say what keeps a run from doing so before it changes anything."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import WEB_HOST_PORTS
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import hosts_of
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.releases import ANY, OR
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import mounts
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.fleet_sites import (
    Fleet,
    bracketed,
    sites_of_host,
)

Result = Mapping[str, Any]
# The options of an app whose key `host` names the host of the service.
SERVICES = ("database", "cache", "broker")


class Plan(TypedDict):
    """What a run does."""

    # The hosts of the run that have apps, and their servers in the upstreams of the balancers, with TLS and without it.
    hosts: list[str]
    servers: list[str]
    balancers: list[str]
    balancer_addresses: list[str]
    # By app, the hosts of the run that have it, and its other hosts.
    apps: dict[str, dict[str, list[str]]]
    # The hosts of the apps that are not in the run.
    others: list[str]
    problems: list[str]
    # What ends while one of the hosts boots, though it is drained.
    reboot_problems: list[str]


def plan(found: Mapping[str, Result], groups: Mapping[str, list[str]], hostvars: Mapping[str, object]) -> Plan:
    """Plan for the hosts of the run, from what django_status has *found* on each of them.

    Raise ValueError if the inventory is wrong.
    """
    apps: dict[str, dict[str, list[str]]] = {}
    balancers: list[str] = []
    problems: list[str] = []
    for host, result in found.items():
        fleet = Fleet(host, groups, hostvars)
        for name in _apps_of(fleet, result):
            members = fleet.hosts_of_app(name) if fleet.app(host, name) else []
            others = [one for one in members if one not in found]
            apps.setdefault(name, {"hosts": [], "others": others})["hosts"].append(host)
            fronts = _fronts(name, fleet, members or [host])
            if host not in members:
                problems.append(f"{host}: the inventory has no app '{name}' for this host. Remove it there first.")
            elif host in fronts:
                problems.append(f"{host}: visitors of app '{name}' ask this host itself, and no balancer does.")
            balancers += [front for front in fronts if front not in balancers]
    # A host that has lost its apps while it was drained can be brought back.
    hosts = [
        host
        for host, result in found.items()
        if result.get("drained") or any(host in one["hosts"] for one in apps.values())
    ]
    if not hosts:
        problems.append("No host of this run has an app: name the web hosts with -l.")
    where = Fleet("", groups, hostvars)
    return {
        "hosts": hosts,
        "servers": [f"{bracketed(where.address(host, 'drain'))}:{port}" for host in hosts for port in WEB_HOST_PORTS]
        if balancers
        else [],
        "balancers": [host for host in balancers if host not in hosts],
        # As ss(8) writes them.
        "balancer_addresses": [str(ipaddress.ip_address(where.address(host, "drain"))) for host in balancers],
        "apps": apps,
        "others": list(dict.fromkeys(host for one in apps.values() for host in one["others"])),
        "problems": problems,
        "reboot_problems": [text for host in hosts for text in _duties(Fleet(host, groups, hostvars))],
    }


def _duties(fleet: Fleet) -> Iterator[str]:
    """Yield what the host does besides its apps, which no other host does while it boots."""
    host = fleet.host
    remedy = f"Leave it out with -l 'all:!{host}', and reboot it by hand."
    for site in sites_of_host(fleet.entries(host, "django_sites"), fleet):
        if site.get("state") != "absent" and not (plain(site.get("behind")) or {}).get("balancers"):
            yield f"{host}: visitors of site '{site.get('name')}' ask this host itself. {remedy}"
    if fleet.hostvars[host].get("keepalived_addresses"):
        yield f"{host}: it shares an address (keepalived_addresses). {remedy}"
    users: dict[str, dict[str, None]] = {}
    for other in fleet.groups["all"]:
        for app in fleet.entries(other, "django_apps"):
            for kind in SERVICES if app.get("state") != "absent" else ():
                service = plain(app.get(kind))
                if isinstance(service, Mapping) and service.get("host") == host:
                    users.setdefault(kind, {})[str(app.get("name"))] = None
    for kind, names in users.items():
        yield f"{host}: it has the {kind} of {', '.join(names)}. {remedy}"


def _apps_of(fleet: Fleet, result: Result) -> list[str]:
    """Return the apps that the host serves, and those that it should have."""
    wanted = [app["name"] for app in fleet.entries(fleet.host, "django_apps") if app.get("name") and _has(fleet, app)]
    return sorted({app["name"] for app in result["apps"] if app["release"]} | set(wanted))


def _has(fleet: Fleet, app: Result) -> bool:
    hosts = hosts_of(app, fleet.groups, f"django_apps: app '{app['name']}'")
    return app.get("state") != "absent" and bool(app.get("hosts")) and fleet.host in (hosts or [])


def _fronts(app: str, fleet: Fleet, members: Sequence[str]) -> list[str]:
    """Return the hosts that visitors of the app ask, whichever host lists the site."""
    sites: dict[str, Result] = {}
    for host in fleet.groups["all"]:
        for site in mounts.present(fleet.entries(host, "django_sites")):
            if app in mounts.applications(site).values():
                sites.setdefault(str(site.get("name")), site)
    found = [hosts_of(site, fleet.groups, f"django_sites: site '{name}'") or members for name, site in sites.items()]
    return list(dict.fromkeys(host for hosts in found for host in hosts))


def problems(
    given: Plan,
    found: Mapping[str, Result],
    others: Sequence[Result],
    balancers: Sequence[Result],
    *,
    back: bool,
    reboot: bool = False,
) -> list[str]:
    """Return what keeps the run from changing anything.

    *others* and *balancers* are the results of loops over these hosts: of django_status, and of nginx_drain in check
    mode. With *reboot*, the hosts are to be rebooted after they are drained.
    """
    away = [str(one["item"]) for one in balancers if one.get("unreachable")]
    result = list(given["problems"]) if not back else []
    result += given["reboot_problems"] if reboot else []
    if away:
        result.append(
            f"{', '.join(away)}: the balancer cannot be reached, and would go on as it does. Run this again when it "
            "can be, or take it out of the inventory."
        )
    result += [
        f"{one['item']}: {str(one['msg']).removesuffix(' Nothing was changed.')}"
        for one in balancers
        if one.get("failed") and not one.get("unreachable")
    ]
    for app, one in given["apps"].items():
        if back:
            result += _old(app, one["hosts"], found, _of_app(app, one["others"], others), balancers)
        elif not current(app, one, found, others, balancers):
            result.append(
                f"{', '.join(one['hosts'])}: app '{app}' would be served by no host, because no other one of its hosts "
                "can be reached, serves the release that visitors get, and is not drained."
            )
    return result


def _of_app(app: str, members: Sequence[str], results: Sequence[Result]) -> dict[str, Result]:
    """Return by host what was found of the app on those of its *members* that serve it and are not drained."""
    return {
        str(one["item"]): served
        for one in results
        if one["item"] in members and not one.get("drained")
        for served in one.get("apps") or []
        if served["name"] == app and served["release"]
    }


def _expected(app: str, balancers: Sequence[Result]) -> set[str]:
    """Return what the balancers expect of the app, one or several releases; nothing if they pass requests on to any."""
    return {str(one["expected"][app]) for one in balancers if app in one.get("expected", {})} - {ANY}


def _missed(release: str, expected: Iterable[str]) -> list[str]:
    """Return what balancers expect instead of *release*."""
    return [one for one in sorted(expected) if release not in one.split(OR)]


def current(
    app: str,
    one: Mapping[str, Sequence[str]],
    found: Mapping[str, Result],
    others: Sequence[Result],
    balancers: Sequence[Result],
) -> list[str]:
    """Return the other hosts of the app that can do its work: they serve what all balancers expect.

    If these expect no release, it is the revision of the hosts that are drained now.
    """
    serving, expected = _of_app(app, one["others"], others), _expected(app, balancers)
    if expected:
        return [host for host in one["others"] if host in serving and not _missed(serving[host]["release"], expected)]
    revisions = {
        served["revision"]
        for host in one["hosts"]
        if not found[host].get("drained")
        for served in found[host]["apps"]
        if served["name"] == app and served["release"]
    }
    return [
        host for host in one["others"] if host in serving and (not revisions or serving[host]["revision"] in revisions)
    ]


def _old(
    app: str,
    hosts: Sequence[str],
    found: Mapping[str, Result],
    serving: Mapping[str, Result],
    balancers: Sequence[Result],
) -> Iterator[str]:
    expected = _expected(app, balancers)
    revisions = {str(one["revision"]) for one in serving.values()}
    for host in hosts:
        own = next((one for one in found[host]["apps"] if one["name"] == app), {"release": "", "revision": ""})
        deploy = "Deploy first: `ansible-playbook gatehouse.django.site`, without --limit."
        if not own["release"]:
            yield f"{host}: it serves no release of app '{app}'. {deploy}"
        elif missed := _missed(own["release"], expected):
            wanted = ", ".join(missed).replace(OR, " or ")
            yield f"{host}: it serves release {own['release']} of app '{app}', and balancers expect {wanted}. {deploy}"
        elif not expected and revisions and own["revision"] not in revisions:
            wanted = ", ".join(sorted(one[:12] for one in revisions))
            yield f"{host}: it serves revision {own['revision'][:12]} of app '{app}', and the others {wanted}. {deploy}"
