#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_status
short_description: Report the apps of a host, their releases, units and deployments
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Reports, for each app of role P(gatehouse.django.django_app#role) on the host, the release that is served, since
    when and by whom, the last deployments, the units, the disk use, and the sites with their certificates.
  - It reads the host and needs no inventory. A host without apps is no error.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
  - gatehouse.django.attributes.read_only
options:
  app:
    description: Report only this app. A host without it reports no app.
    type: str
  deployments:
    description: The number of deployments, rollbacks and removals to report of each app. The host keeps the last 100.
    type: int
    default: 5
  details:
    description: Also report units, disk use, deployments and sites, which takes longer.
    type: bool
    default: true
seealso:
  - module: gatehouse.django.django_release
  - module: gatehouse.django.django_doctor
"""

EXAMPLES = r"""
- name: Ask for all apps of the host
  gatehouse.django.django_status:
  register: status

- name: Fail if a unit of an app does not run
  ansible.builtin.assert:
    that: status.apps | map(attribute='units') | flatten | selectattr('failing') | length == 0
"""

RETURN = r"""
apps:
  description: The apps of the host, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the app.
      returned: success
      type: str
      sample: shop
    release:
      description: The release that is served, empty for none.
      returned: success
      type: str
      sample: 1f0c8d2e4b6a-90ab12cd
    revision:
      description: The revision of its source.
      returned: success
      type: str
    since:
      description: When it was put into service, as UTC time in ISO 8601 format.
      returned: success
      type: str
      sample: "2026-11-26T02:53:00Z"
    by:
      description: Who put it into service, as user and host of the controller. Empty if the history does not say it.
      returned: success
      type: str
      sample: alice@laptop
    runs_once:
      description: Whether the processes and timers with C(run_on=one) run on this host.
      returned: success
      type: bool
    has_once:
      description: Whether the app has processes or timers with C(run_on=one), wherever they run.
      returned: with O(details=true)
      type: bool
    rollback_targets:
      description: The releases that a rollback can return to, the one that was served last first.
      returned: success
      type: list
      elements: str
    configuration:
      description:
        - A digest of all that makes the release except its source and its Python. Empty if it is not known, for
          releases of earlier versions of the collection.
      returned: success
      type: str
      sample: 8d51f0a2c93e
    failed_candidates:
      description: The failed candidates that are kept for inspection.
      returned: success
      type: list
      elements: str
    deployments:
      description: The last deployments, rollbacks, removals and takeovers, the newest first.
      returned: with O(details=true)
      type: list
      elements: dict
      contains:
        action:
          description: V(deploy), V(rollback), V(remove), V(restore) or V(takeover).
          returned: success
          type: str
        began:
          description: When it began, as UTC time in ISO 8601 format.
          returned: success
          type: str
        before:
          description:
            - The release that was served before, empty for none. For a takeover, the unit of the hand-made site.
          returned: success
          type: str
        release:
          description: The requested release, empty for a removal.
          returned: success
          type: str
        revision:
          description: The revision of its source.
          returned: success
          type: str
        result:
          description: V(ok), V(failed), V(running), or V(interrupted) for a run that was killed.
          returned: success
          type: str
        seconds:
          description: How long it took.
          returned: success
          type: float
        by:
          description: User and host of the controller.
          returned: success
          type: str
        user:
          description: The user who logged in to this host.
          returned: success
          type: str
        error:
          description: The first line of the error.
          returned: success
          type: str
        note:
          description: What else was done, like a snapshot of the databases. Empty for nothing.
          returned: success
          type: str
    units:
      description: The web service and its socket, the processes, the timers and their jobs.
      returned: with O(details=true)
      type: list
      elements: dict
      contains:
        name:
          description: The name of the unit.
          returned: success
          type: str
          sample: shop-worker.service
        state:
          description: Its state in the terms of systemd.
          returned: success
          type: str
          sample: active (running)
        failing:
          description: Whether it has failed, does not run, or ends as soon as systemd starts it.
          returned: success
          type: bool
        restarts:
          description: How often systemd has restarted it since its last start.
          returned: success
          type: int
        next:
          description: The next start of a timer.
          returned: success
          type: str
    services:
      description: The database, cache and broker of the app that are on other hosts of the inventory.
      returned: with O(details=true)
      type: list
      elements: dict
      contains:
        kind:
          description: V(database), V(cache) or V(broker).
          returned: success
          type: str
        host:
          description: The host, as the inventory calls it.
          returned: success
          type: str
          sample: db1.example.com
        address:
          description: The name or address by which the app reaches it.
          returned: success
          type: str
          sample: 192.0.2.20
        port:
          description: The port of the service.
          returned: success
          type: str
          sample: "5432"
    backup:
      description: The backups of the app. C(last) and C(success) are null before the first one.
      returned: with O(details=true)
      type: dict
      contains:
        due:
          description: Whether backups are made each day.
          returned: success
          type: bool
        last:
          description:
            - The last run, with C(began), C(seconds), C(result), which is V(ok), V(failed), V(running) or
              V(interrupted), C(problem), C(warnings), C(snapshot), C(release), C(bytes) and C(added).
          returned: success
          type: dict
        success:
          description: The last run that succeeded.
          returned: success
          type: dict
    drill:
      description:
        - The drills of its backup, which restore it beside the live data. C(last) and C(success) are null before the
          first one.
      returned: with O(details=true)
      type: dict
      contains:
        often:
          description: V(never), V(daily), V(weekly) or V(monthly).
          returned: success
          type: str
        last:
          description:
            - The last one, with C(began), C(seconds), C(result), which is V(ok), V(failed), V(running) or
              V(interrupted), C(problem), C(notes) about what it did not prove, C(snapshot), C(backup), which is the
              time of the backup, C(restore), which are the seconds to restore the databases, C(bytes) of their dumps,
              C(tables), C(rows), C(recorded), which is the release of the backup, C(release), which was asked for its
              migrations, and C(lacking), which are those that the backup lacks.
          returned: success
          type: dict
        success:
          description: The last one that succeeded.
          returned: success
          type: dict
    restored_copy:
      description:
        - The copy that M(gatehouse.django.django_restore) has made beside the live data, with C(made), C(snapshot) and
          C(time) of the backup. Empty if there is none.
      returned: with O(details=true)
      type: dict
    disk:
      description:
        - The bytes of C(releases) with their virtual environments, of C(data) with copies of it, of what is C(kept),
          and of the C(cache) of builds. Null for a part that was not counted within 5 seconds.
        - C(kept) are the snapshots from before migrations (C(/srv/<app>/snapshots)), and what restores and rollbacks
          replaced (C(/srv/<app>/before-restore-<time>) and C(/srv/<app>/before-rollback-<time>)).
      returned: with O(details=true)
      type: dict
      sample: {releases: 120000000, data: 4096, kept: 52000000, cache: 31000000}
    sites:
      description: The sites whose requests nginx passes to the app.
      returned: with O(details=true)
      type: list
      elements: dict
      contains:
        site:
          description: The first server name of the site.
          returned: success
          type: str
          sample: shop.example.com
        names:
          description: All its server names.
          returned: success
          type: list
          elements: str
        certificate:
          description: The file of its certificate, empty without TLS.
          returned: success
          type: str
        expires:
          description: When the certificate expires, as UTC time in ISO 8601 format. Empty if it cannot be read.
          returned: success
          type: str
        days:
          description: The full days until then, negative after it. Null if it cannot be read.
          returned: success
          type: int
          sample: 61
        internal:
          description: Whether it is the one that a web host has made for its balancers, which no visitor sees.
          returned: success
          type: bool
balanced:
  description:
    - With O(details=true), the apps of other hosts that nginx of this host passes requests to, each with its C(name),
      and its C(sites) as in RV(apps).
  returned: success
  type: list
  elements: dict
  sample: []
installed:
  description: The names of all apps of the host.
  returned: success
  type: list
  elements: str
  sample: [blog, shop]
accesses:
  description:
    - The names of the apps that have access to services on other hosts, also of one that was removed while such a host
      could not be reached.
  returned: success
  type: list
  elements: str
  sample: []
recovered:
  description:
    - The apps whose data M(gatehouse.django.django_recovery) has brought onto the host, and which made no backup here
      yet.
  returned: success
  type: list
  elements: str
  sample: []
drained:
  description:
    - C(since) when the host is drained, as UTC time in ISO 8601 format, and which C(user) of the host did it. C(once)
      are the apps whose processes with C(run_on=one) ran here. Null if it is not drained. See
      M(gatehouse.django.django_drain).
  returned: success
  type: dict
  sample: {since: "2026-11-26T02:53:00Z", user: alice, once: [shop]}
disk:
  description: The C(free) and all (C(size)) bytes of the file system of C(/srv).
  returned: success
  type: dict
  sample: {free: 34000000000, size: 80000000000}
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import drained, former_access, status
from ansible_collections.gatehouse.django.plugins.module_utils._app.installed import installed
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import Place
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

if TYPE_CHECKING:
    from ansible_collections.gatehouse.django.plugins.module_utils._doctor.served import ServedSite

ARGUMENT_SPEC: dict[str, object] = {
    "app": {"type": "str"},
    "deployments": {"type": "int", "default": 5},
    "details": {"type": "bool", "default": True},
}


def served_sites(module: AnsibleModule) -> Sequence[ServedSite]:
    """Return the sites of this host's nginx."""
    from ansible_collections.gatehouse.django.plugins.module_utils._doctor.served import read_sites
    from ansible_collections.gatehouse.django.plugins.module_utils._nginx import facts

    binary = facts.nginx_program(module.get_bin_path)
    return read_sites(module.run_command, facts.describe(module.run_command, binary))


def describe(module: AnsibleModule, app: App, sites: Sequence[ServedSite]) -> dict[str, object]:
    """Return all that the module reports of one app."""
    events = status.deployments(app.name)
    found = status.summary(app, events)
    if not module.params["details"]:
        return found
    # A playbook that only asks for the apps of a host does not wait for these imports.
    from ansible_collections.gatehouse.django.plugins.module_utils._app import backup_record, drill_record

    units = Units(Tools(module.run_command, {}), app)
    return {
        **found,
        "has_once": bool(units.once(units.on_host())),
        "deployments": events[: module.params["deployments"]],
        "units": status.unit_states(module.run_command, units),
        "services": services(app),
        "backup": {"due": backup_record.is_due(app.name), **backup_record.read(app.name)},
        "drill": {"often": drill_record.often(app.name), **drill_record.read(app.name)},
        "restored_copy": drill_record.copy_of(app.name),
        "disk": status.disk_use(module.run_command, app),
        "sites": [describe_site(site) for site in sites if site.app == app.name],
    }


def services(app: App) -> list[dict[str, str]]:
    """Return the services of an app on other hosts. The app can write neither file, but its secrets name the values."""
    from ansible_collections.gatehouse.django.plugins.module_utils._app import service_access
    from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd

    found = service_access.elsewhere(systemd.environment(f"{app.link}/env"))
    return [{name: harmless(value) for name, value in one.items()} for one in found]


def describe_site(site: ServedSite) -> dict[str, object]:
    """Return name, names and certificate of a site."""
    expires = site.expires.strftime("%Y-%m-%dT%H:%M:%SZ") if site.expires else ""
    return {
        "site": harmless(site.site),
        "names": [harmless(name) for name in site.names],
        "certificate": harmless(site.certificate),
        "expires": expires,
        "days": site.days,
        "internal": site.is_internal,
    }


def balanced(sites: Sequence[ServedSite], own: Sequence[str], asked: str | None) -> list[dict[str, object]]:
    """Return the apps of other hosts that nginx passes requests to, with their sites; *own* are those of this host."""
    names = sorted({site.app for site in sites if site.app not in own and asked in (None, site.app)})
    return [{"name": name, "sites": [describe_site(site) for site in sites if site.app == name]} for name in names]


def main() -> None:
    """Report the apps of the host."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    with explain_failures(module, Attempt("reading the apps of this host"), (ReleaseError,)):
        names, asked = installed(), module.params["app"]
        chosen = [name for name in names if asked in (None, name)]
        sites = served_sites(module) if module.params["details"] else []
        apps = [describe(module, App(name), sites) for name in chosen]
        recovered = [name for name in names if Place(App(name)).first_data.exists()]
        about_host: dict[str, object] = {"drained": drained.read(), "disk": status.free_space(APPS)}
        about_host |= {"balanced": balanced(sites, names, asked), "accesses": former_access.remembered()}
        module.exit_json(changed=False, apps=apps, installed=names, recovered=recovered, **about_host)


if __name__ == "__main__":
    main()
