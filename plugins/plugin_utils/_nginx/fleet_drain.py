# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan how web hosts are drained or brought back, and say what keeps a run from doing so before it changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import hosts_of
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import mounts
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.fleet_sites import PORT, Fleet, bracketed

Result = Mapping[str, Any]
ANY = "any"


class Plan(TypedDict):
    """What a run does."""

    # The hosts of the run that have apps, and their servers in the upstreams of the balancers.
    hosts: list[str]
    servers: list[str]
    balancers: list[str]
    balancer_addresses: list[str]
    port: int
    # By app, the hosts of the run that have it, and its other hosts.
    apps: dict[str, dict[str, list[str]]]
    # The hosts of the apps that are not in the run.
    others: list[str]
    problems: list[str]


def plan(found: Mapping[str, Result], groups: Mapping[str, list[str]], hostvars: Mapping[str, Any]) -> Plan:
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
    hosts = [host for host in found if any(host in one["hosts"] for one in apps.values())]
    if not hosts:
        problems.append("No host of this run has an app: name the web hosts with -l.")
    where = Fleet("", groups, hostvars)
    return {
        "hosts": hosts,
        "servers": [f"{bracketed(where.address(host, 'drain'))}:{PORT}" for host in hosts] if balancers else [],
        "balancers": [host for host in balancers if host not in hosts],
        "balancer_addresses": [where.address(host, "drain") for host in balancers],
        "port": PORT,
        "apps": apps,
        "others": list(dict.fromkeys(host for one in apps.values() for host in one["others"])),
        "problems": problems,
    }


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
    given: Plan, found: Mapping[str, Result], others: Sequence[Result], balancers: Sequence[Result], *, back: bool
) -> list[str]:
    """Return what keeps the run from changing anything.

    *others* and *balancers* are the results of loops over these hosts: of django_status, and of nginx_drain in check
    mode.
    """
    away = [str(one["item"]) for one in balancers if one.get("unreachable")]
    result = list(given["problems"]) if not back else []
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
    look = _old if back else _last
    for app, one in given["apps"].items():
        result += look(app, one["hosts"], found, _of_app(app, one["others"], others), balancers)
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


def _last(
    app: str, hosts: Sequence[str], _found: Mapping[str, Result], serving: Mapping[str, Result], _balancers: object
) -> Iterator[str]:
    if not serving:
        yield (
            f"{', '.join(hosts)}: app '{app}' would be served by no host, because no other one of its hosts can be "
            "reached, serves it and is not drained."
        )


def _old(
    app: str,
    hosts: Sequence[str],
    found: Mapping[str, Result],
    serving: Mapping[str, Result],
    balancers: Sequence[Result],
) -> Iterator[str]:
    expected = {str(one["expected"][app]) for one in balancers if app in one.get("expected", {})} - {ANY}
    revisions = {str(one["revision"]) for one in serving.values()}
    for host in hosts:
        own = next((one for one in found[host]["apps"] if one["name"] == app), {"release": "", "revision": ""})
        deploy = "Deploy first: `ansible-playbook gatehouse.django.site`, without --limit."
        if not own["release"]:
            yield f"{host}: it serves no release of app '{app}'. {deploy}"
        elif expected and own["release"] not in expected:
            wanted = ", ".join(sorted(expected))
            yield f"{host}: it serves release {own['release']} of app '{app}', and balancers expect {wanted}. {deploy}"
        elif not expected and revisions and own["revision"] not in revisions:
            wanted = ", ".join(sorted(one[:12] for one in revisions))
            yield f"{host}: it serves revision {own['revision'][:12]} of app '{app}', and the others {wanted}. {deploy}"


def moves(given: Plan, found: Mapping[str, Result], others: Sequence[Result]) -> dict[str, str]:
    """Return by app the host that runs what runs on one host, after the hosts of the run have stopped it."""
    result = {}
    for app, one in given["apps"].items():
        serving = _of_app(app, one["others"], others)
        asked = [other for other in others if other["item"] in one["others"]]
        is_here = any(_runs_once(app, found[host]) for host in one["hosts"])
        # The run before may have ended between its stop here and its start elsewhere. A host that cannot be asked may
        # run it.
        was_here = any(app in (found[host].get("drained") or {}).get("once", []) for host in one["hosts"])
        is_lost = was_here and not any(other.get("unreachable") or other.get("failed") for other in asked)
        if (is_here or is_lost) and serving and not any(_runs_once(app, other) for other in asked):
            result[app] = next(host for host in one["others"] if host in serving)
    return result


def _runs_once(app: str, result: Result) -> bool:
    return any(one["name"] == app and one["runs_once"] for one in result.get("apps") or [])
