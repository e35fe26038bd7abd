# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a diagnosis: decide what to request, request it, explain each answer, and check the rest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from ansible_collections.gatehouse.django.plugins.module_utils._app.installed import installed
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.answers import explain_answers, unanswered_app
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.alerts import check_alerts
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.alias_traversal import check_traversal
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.backup import check_backup
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.certificate import check_certificate
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.collations import check_collations
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.consumers import check_consumers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.data_servers import check_data_servers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.drill import check_drill
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.forms import check_forms
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.instances import check_instances
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.keepalived import check_keepalived
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.memory import check_memory, read_evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.name import check_dns, explain_unserved
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.nginx import ALL_SITES, check_unread
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.passed_on import check_passed_on
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.published_secrets import check_published
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.python import check_python
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.services_host import check_services
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.space import check_space
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.upload import check_uploads
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.web_hosts import check_web_hosts
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.workers import check_workers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, first_of_each, guarded
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.page_files import visit_files
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.agreed import Agreed
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.projects import check_projects
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import Target, find, find_behind, pages
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Step, Visit
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.walk import visit_all
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

# Apps whose workers are asked at the same time, each by a process of the app.
CONCURRENT_APPS = 4


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong, and the requests and answers that the doctor got."""

    findings: Sequence[Finding]
    steps: Sequence[Step] = ()


def check_host(host: Host, target: Target | None, apps: Collection[str] = ()) -> Diagnosis:
    """Examine the page that the operator names, the sites of *apps*, or all sites of the host."""
    meant = partial(is_meant, host, target, apps)
    if target is None:
        requests = [request for request in pages(host) if meant(request.server)]
    else:
        request = find(host, target) or find_behind(host, target)
        if request is None:
            return Diagnosis([explain_unserved(host, target)])
        requests = [request]
    visits = visit_all(host, requests, is_target=target is not None)
    visits += visit_files(visits)
    sites = meant_sites(host, target, apps, {visit.request.site for visit in visits})
    outdated, killed = python_findings(sites), memory_findings(host, sites)
    # An app can have both: each needs its own remedy.
    by_app = {app: [*outdated.get(app, []), *killed.get(app, [])] for app in {**outdated, **killed}}
    settings = settings_findings(host, sites, {unanswered_app(visit) for visit in visits} | outdated.keys())
    answers = explain_answers(visits, by_app, settings)
    answers = check_forms(visits, answers)
    certificates = certificate_findings(host, visits)
    findings = [*answers, *certificates]
    findings += worker_findings(host, sites)
    findings += guarded(ALL_SITES, "the sites of apps", partial(check_passed_on, host, apps, installed()))
    findings += guarded(ALL_SITES, "the web hosts", partial(check_web_hosts, host, meant))
    findings += guarded(ALL_SITES, "the aliases", partial(check_traversal, host, meant))
    findings += guarded(ALL_SITES, "published directories", partial(check_published, host, meant))
    findings += guarded(ALL_SITES, "nginx's error log", partial(check_uploads, host, meant))
    findings += guarded(ALL_SITES, "the file systems", partial(check_space, sites))
    findings += guarded(ALL_SITES, "PostgreSQL", check_collations)
    findings += guarded(ALL_SITES, "keepalived", partial(check_keepalived, host.run))
    if target and not certificates and not any(finding.explains for finding in answers):
        # The page works here, so the visitors of the operator's report may reach another host.
        findings += filter(None, [check_dns(host, target.name)])
    unread = check_unread(host, findings[0].site) if findings else None
    steps = [step for visit in visits for step in visit.steps]
    # The first page and the files of a site may have the same cause.
    alerts = guarded(ALL_SITES, "nginx's error log", partial(check_alerts, host))
    return Diagnosis(first_of_each([*alerts, *([unread] if unread else []), *findings]), steps)


def check_services_host(run: Run) -> list[Finding]:
    """Examine a host without nginx and without apps, such as one with the database of apps on other hosts."""
    return [
        *guarded(ALL_SITES, "the services", partial(check_services, run, ALL_SITES)),
        *guarded(ALL_SITES, "the file systems", partial(check_space, ())),
        *guarded(ALL_SITES, "PostgreSQL", check_collations),
    ]


def check_settings(host: Host, target: Target | None, apps: Collection[str] = ()) -> list[Finding]:
    """Compare the settings of the projects with their sites, without a request."""
    return settings_findings(host, meant_sites(host, target, apps), ())


def check_changed_settings(
    host: Host, agreed: Agreed, apps: Collection[str] = (), *, remember: bool = True
) -> list[Finding]:
    """Compare the settings of those projects that have not *agreed* with the same sites before."""
    sites = [site for site in meant_sites(host, None, apps) if site.app not in agreed]
    findings = settings_findings(host, sites, ())
    found = {finding.site for finding in findings}
    wrong = {site.app for site in sites if site.site in found}
    for app in {site.app for site in sites} - wrong if remember else ():
        agreed.add(app)
    return findings


def meant_sites(
    host: Host, target: Target | None, apps: Collection[str] = (), visited: Collection[str] = ()
) -> list[AppSite]:
    """The apps' sites that the operator names, or that were *visited*; without a target, those of *apps* or all."""
    return [
        site
        for site in host.app_sites
        if (target is None and (not apps or site.app in apps))
        or (target and (site.site in visited or routing.is_named(site.names, target.name)))
    ]


def is_meant(host: Host, target: Target | None, apps: Collection[str], server: Directive) -> bool:
    """Whether the operator asks about *server*: by a name, else as the site of one of *apps*, else about all."""
    if target is None:
        served = host.apps_by_server.get(server, frozenset()) | host.balanced_apps.get(server, frozenset())
        return not apps or not served.isdisjoint(apps)
    return routing.is_named(routing.names(server), target.name)


def settings_findings(host: Host, sites: Sequence[AppSite], unanswered: Collection[str]) -> list[Finding]:
    """What of the projects' settings does not fit *sites*. An *unanswered* app has another cause to correct first."""
    apps, names = {site.app for site in sites} - set(unanswered), {site.site for site in sites}
    # A name that an app has over TLS counts for the app's other sites as well.
    findings = check_projects([site for site in host.app_sites if site.app in apps])
    return [finding for finding in findings if finding.site in names]


def python_findings(sites: Sequence[AppSite]) -> dict[str, list[Finding]]:
    """By app, what is wrong with its interpreter; only for apps with a finding."""
    first_sites = {site.app: site.site for site in reversed(sites)}
    found = {
        app: guarded(name, f"the Python of app {app}", partial(check_python, name, app))
        for app, name in first_sites.items()
    }
    return {app: findings for app, findings in found.items() if findings}


def memory_findings(host: Host, sites: Sequence[AppSite]) -> dict[str, list[Finding]]:
    """By app, the processes that the kernel killed; only for apps of which it killed one."""
    first_sites: dict[str, str] = {}
    for site in sites:
        first_sites.setdefault(site.app, site.site)
    if not first_sites:
        return {}
    evidence = read_evidence(host.run, first_sites)
    findings_by_app = {
        app: guarded(name, f"the kernel's log for app {app}", partial(check_memory, host.run, name, app, evidence))
        for app, name in first_sites.items()
    }
    return {app: findings for app, findings in findings_by_app.items() if findings}


def worker_findings(host: Host, sites: Sequence[AppSite]) -> list[Finding]:
    """The processes of the apps of *sites* that do not run, the workers that take no work, and the backups."""
    first = {site.app: site.site for site in reversed(sites)}

    def check(app: str) -> list[Finding]:
        name, subject = first[app], f"the processes of app {app}"
        servers = guarded(name, f"the databases of app {app}", partial(check_data_servers, host, name, app))
        found = guarded(name, f"the cache and broker of app {app}", partial(check_instances, host, name, app))
        found += guarded(name, f"the backups of app {app}", partial(check_backup, host.run, name, app))
        found += guarded(name, f"the drills of app {app}", partial(check_drill, host.run, name, app))
        found += guarded(name, subject, partial(check_workers, host, name, app))
        found = [*servers, *found]
        if any(f"{app} cannot use its broker" in one.cause for one in servers):
            # Its workers cannot either.
            return found
        return [*found, *guarded(name, subject, partial(check_consumers, host, name, app))]

    # Most of the time passes in processes of the apps.
    with ThreadPoolExecutor(CONCURRENT_APPS) as pool:
        return [finding for found in pool.map(check, first) for finding in found]


def certificate_findings(host: Host, visits: Sequence[Visit]) -> list[Finding]:
    """What is wrong with the certificates that nginx presented, one for each server."""
    presented: dict[Directive, Step] = {}
    for step in (step for visit in visits for step in visit.steps):
        if step.answer.certificate:
            presented.setdefault(step.request.server, step)
    return [
        finding
        for request, answer in presented.values()
        for finding in guarded(
            request.site,
            f"the certificate of {request.name}",
            partial(check_certificate, host, request, answer.certificate),
        )
    ]
