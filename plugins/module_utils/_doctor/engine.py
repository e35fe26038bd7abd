# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the doctor does with a host whose nginx runs: it asks, and follows each symptom to its cause."""

from __future__ import annotations

import time
from collections.abc import Collection
from functools import partial

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import answers, sites, target
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import app as apps
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import body, memory, name, nginx
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import certificate as certificates
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, Served, guarded
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Request, Visit, visit_all
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import examine
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive


def of_projects(
    host: Host, wish: target.Wish | None, visited: Collection[str] = (), ill: Collection[str] = ()
) -> list[Finding]:
    """What of the projects' settings does not fit their sites: those that are asked about, or were *visited*.

    Apps that are *ill* have to be mended first.
    """
    known = sites.served(host.listens, host.nginx["conf_dir"])
    meant = [one for one in known if _is_meant(one, wish, visited)]
    wanted, about = {one.app for one in meant} - set(ill), {one.site for one in meant}
    # What an app has over TLS counts for its other sites as well.
    found = examine([one for one in known if one.app in wanted])
    return [finding for finding in found if finding.site in about]


def of_memory(host: Host, wish: target.Wish | None, visited: Collection[str]) -> tuple[list[Finding], set[str]]:
    """What the kernel has killed of the apps behind those sites, and the names of these apps."""
    known = sites.served(host.listens, host.nginx["conf_dir"])
    asked = {one.app: one.site for one in reversed(known) if _is_meant(one, wish, visited)}
    said = memory.evidence(host.run) if asked else memory.Evidence([], frozenset())
    found = {
        app: guarded(site, f"the kernel's log for app {app}", memory.explain, host.run, site, app, said)
        for app, site in asked.items()
    }
    return [finding for one in found.values() for finding in one], {app for app, one in found.items() if one}


def _is_meant(one: Served, wish: target.Wish | None, visited: Collection[str]) -> bool:
    return wish is None or one.site in visited or routing.is_named(one.names, wish.name)


def of_host(host: Host, wish: target.Wish | None) -> tuple[list[Finding], list[Visit]]:
    """All that is wrong, and what was asked."""
    if wish is None:
        requests = list(target.pages(host))
    else:
        request = target.find(host, wish)
        unknown = name.not_served(host, wish, request)
        if unknown or request is None:
            return [unknown] if unknown else [], []
        requests = [request]
    since = time.time()
    visits = visit_all(requests, lambda url: target.follow(host, url), lambda request: is_hopeless(host, request))
    visited = {request.site for steps in visits for request, _answer in steps}
    settings = of_projects(host, wish, visited, {unanswered(host, steps) for steps in visits})
    found, killed = of_memory(host, wish, visited)
    for steps in visits:
        # An app that was killed and is down has no other reason to be.
        is_killed = unanswered(host, steps) in killed and is_hopeless(host, steps[-1][0])
        if not is_killed and not is_explained(steps, {finding.site for finding in settings}):
            request = steps[-1][0]
            asked_for = wish is not None
            found += guarded(request.site, request.url, answers.explain, host, steps, asked_for=asked_for, since=since)
    found += settings + of_certificates(host, visits)
    is_wanted = partial(_is_wanted, wish)
    found += guarded(nginx.EVERY, "nginx's error log", body.explain, host, is_wanted)
    if wish and not found:
        # Whoever asks about a page that is well here may not get here.
        astray = name.elsewhere(host, wish.name)
        found = [astray] if astray else []
    # The first page and the files of a site may have one and the same reason.
    stale = nginx.unread(host, found[0].site) if found else None
    found = [stale, *found] if stale else found
    first: dict[tuple[str, str], Finding] = {}
    for finding in found:
        first.setdefault((finding.site, finding.remedy), finding)
    return list(first.values()), visits


def _is_wanted(wish: target.Wish | None, server: Directive) -> bool:
    return wish is None or routing.is_named(routing.names(server), wish.name)


def unanswered(host: Host, steps: Visit) -> str:
    """The app that was asked and has not answered, or nothing."""
    request, answer = steps[-1]
    server, location = target.location_of(host, request)
    if answer.status not in (0, 502, 504) or server is None or location is None:
        return ""
    return sites.app_of(sites.handler(server, location))


def is_explained(steps: Visit, explained: Collection[str]) -> bool:
    """Whether the project's settings say why, better than the answer itself can."""
    request, answer = steps[-1]
    return (answer.status == 400 or 300 < answer.status < 400) and request.site in explained


def is_hopeless(host: Host, request: Request) -> bool:
    """Whether the app that is asked for ends as soon as it is started, so that nobody needs to wait for it."""
    servers = {one.server for one in host.listens if routing.is_named(routing.names(one.server), request.name)}
    behind = {sites.app_of(location) for server in servers for location in sites.proxied(server)} - {""}
    return any(apps.is_failing(host.run, app) for app in behind)


def of_certificates(host: Host, visits: list[Visit]) -> list[Finding]:
    """What is wrong with the certificates that were shown, one for each server."""
    shown: dict[Directive, tuple[Request, bytes]] = {}
    for request, answer in (step for steps in visits for step in steps):
        server, _location = target.location_of(host, request)
        if server and answer.certificate:
            shown.setdefault(server, (request, answer.certificate))
    return [
        finding
        for server, (request, certificate) in shown.items()
        for finding in guarded(
            *(request.site, f"the certificate of {request.name}", certificates.explain),
            *(host, request, server, certificate),
        )
    ]
