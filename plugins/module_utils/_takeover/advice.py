# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says in sentences what a takeover would take over: for its own report, and for the doctor's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.handmade import HandmadeSite, handmade_sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import copies, retirement, settings
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import OldSite, Refused, find

# Stands for the name that the operator chooses.
NAME = "APP"
COMMAND = f"`ansible-playbook gatehouse.django.takeover -e app={NAME} -e confirm={NAME}`, see docs/takeover.md"


class Advice(TypedDict):
    """A site that Gatehouse could take over."""

    site: str
    plan: list[str]
    command: str


def describe(old: OldSite, project: settings.Project, planned: Sequence[copies.Copy]) -> list[str]:
    """What is taken over."""
    service, certificate = old.service, old.site.certificate[0]
    renewal = retirement.lineage_of(certificate)
    found = [
        f"{', '.join(old.site.names)}: served by {service.unit} as {service.user}, from {service.directory}, settings "
        f"module {project.module}",
        *(f"copy {copy}" for copy in planned),
        *(
            f"database '{alias}' stays where it is: {one.name} ({one.engine.rpartition('.')[2]})"
            for alias, one in project.databases.items()
            if not one.is_file
        ),
        f"replace {', '.join(old.files)}",
        f"stop and disable {', '.join(old.units)}",
        *([f"certificate {certificate}, renewed by certbot as {renewal.stem}"] if renewal else []),
    ]
    return [harmless(line) for line in found]


def advise(host: Host, is_meant: Callable[[Directive], bool]) -> list[Advice]:
    """Each hand-made site with a Django project behind it, once for each service."""
    first = {one.service.unit: one for one in handmade_sites(host) if one.service.application and is_meant(one.server)}
    found = ((one, _plan(host, one)) for one in first.values())
    return [{"site": one.names[0], "plan": plan, "command": COMMAND} for one, plan in found if plan]


def _plan(host: Host, site: HandmadeSite) -> list[str]:
    """What would be taken over, or why that is not possible; nothing for another kind of application."""
    if not site.service.pid:
        return []
    try:
        project, _process = settings.read_old(site.service)
    except settings.Unreadable as error:
        return [f"{site.names[0]} is served by {site.service.unit}, whose settings cannot be read: {error}"]
    try:
        old = find(host, site.names)
        return describe(old, project, copies.plan(project, App(NAME))) if old else []
    except Refused as error:
        return [f"{site.names[0]} is served by {site.service.unit}. It cannot be taken over yet: {error}"]
