#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_logs
short_description: Read the logs of an app and of its sites
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Returns lines of the journal of the app's web processes, workers and jobs, and of nginx's access and error log of
    its sites, sorted by time. A balancer of the app (docs/fleet.md) has nginx's logs alone.
  - It replaces the values of secret variables, passwords in addresses, and the values of parameters in a query by
    C(********), and writes control characters as escapes.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
  - gatehouse.django.attributes.read_only
options:
  app:
    description: The name of the app.
    type: str
    required: true
  sources:
    description:
      - The logs to read. V(web) are the web processes of all releases, V(workers) the other processes and the jobs of
        timers. V(access) and V(error) are nginx's logs.
    type: list
    elements: str
    choices: [web, workers, access, error]
    default: [web, workers, access, error]
  site:
    description: Read nginx's logs only of the site with this server name.
    type: str
  since:
    description:
      - The time of the first line, as a time span before now like V(15min), or as a time like V(yesterday) or
        V(2026-01-31 14:00) in the host's time zone. See systemd.time(7).
    type: str
    default: 1h
  lines:
    description: The number of lines of each source, the last ones.
    type: int
    default: 50
  balancer:
    description:
      - Whether the inventory says that this host passes requests to the app. If its nginx has no such site yet, the
        module warns instead of failing. The playbook C(gatehouse.django.logs) sets it.
    type: bool
    default: false
notes:
  - nginx writes its access log with a delay of up to five seconds.
  - Of a log of nginx, the module reads the last 8 MiB, and as much of the file that was rotated last.
seealso:
  - module: gatehouse.django.django_status
  - module: gatehouse.django.django_doctor
"""

EXAMPLES = r"""
- name: Read what the app logged in the last quarter of an hour
  gatehouse.django.django_logs:
    app: shop
    sources: [web, workers]
    since: 15min
  register: logs
"""

RETURN = r"""
entries:
  description: The lines, sorted by time.
  returned: success
  type: list
  elements: dict
  contains:
    time:
      description: UTC time in ISO 8601 format.
      returned: success
      type: str
      sample: "2026-11-26T02:58:22.372Z"
    source:
      description: The source that the line comes from.
      returned: success
      type: str
      sample: web
    origin:
      description: The unit, or the first server name of the site.
      returned: success
      type: str
      sample: shop-worker.service
    text:
      description: The text of the line.
      returned: success
      type: str
      sample: "[INFO] Booting worker with pid: 983"
since:
  description: The time of the option O(since), as UTC time in ISO 8601 format.
  returned: success
  type: str
"""

import time
from collections.abc import Iterator, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import journal
from ansible_collections.gatehouse.django.plugins.module_utils._app.installed import installed, require
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core import log_lines
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import site_log
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.served import ServedSite, read_sites
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import facts

SOURCES = ["web", "workers", "access", "error"]
MAX_LINES = 10_000
ARGUMENT_SPEC: dict[str, object] = {
    "app": {"type": "str", "required": True},
    "sources": {"type": "list", "elements": "str", "choices": SOURCES, "default": SOURCES},
    "site": {"type": "str"},
    "since": {"type": "str", "default": "1h"},
    "lines": {"type": "int", "default": 50},
    "balancer": {"type": "bool", "default": False},
}


def all_sites(module: AnsibleModule) -> Sequence[ServedSite]:
    """The sites of the host."""
    binary = facts.nginx_program(module.get_bin_path)
    return read_sites(module.run_command, facts.describe(module.run_command, binary))


def sites_of(module: AnsibleModule, app: str) -> Sequence[ServedSite]:
    """The sites of the app, or the one that the option names; raises ValueError if there is no such site."""
    found = [one for one in all_sites(module) if one.app == app]
    wanted = module.params["site"]
    if wanted is None:
        return found
    chosen = [one for one in found if wanted in (one.site, *one.names)]
    if not chosen:
        names = sorted({name for one in found for name in one.names})
        known = unknown(wanted, names, "site") if names else f"'{wanted}': nginx passes no site to the app {app}."
        raise ValueError(f"site: {known} Nothing was changed.")
    return chosen


def find_app(module: AnsibleModule) -> App | None:
    """The app; raises ReleaseError unless the host has it or balances it, which has logs of nginx alone.

    None for a balancer without a site of the app.
    """
    name = module.params["app"]
    if name in installed() or name in {one.app for one in all_sites(module)}:
        return App(name)
    return None if module.params["balancer"] else require(name)


def read(module: AnsibleModule, app: App, since: float) -> Iterator[log_lines.LogLine]:
    """Read each source."""
    params, count = module.params, module.params["lines"]
    units = Units(Tools(module.run_command, {}), app)
    for source, names in (("web", journal.web_units(app)), ("workers", journal.worker_units(units))):
        if source in params["sources"]:
            yield from journal.lines(source, names, since, count)
    sites = sites_of(module, app.name) if {"access", "error"} & set(params["sources"]) else []
    for site in {one.access_log: one for one in sites}.values():
        if "access" in params["sources"]:
            yield from site_log.access_lines(site, since, count)
    for site in {one.site: one for one in sites}.values():
        if "error" in params["sources"]:
            yield from site_log.error_lines(site, since, count)


def main() -> None:
    """Read the logs."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    attempt = Attempt(f"reading the logs of the app {module.params['app']}")
    with explain_failures(module, attempt, (ReleaseError, ValueError)):
        if not 1 <= module.params["lines"] <= MAX_LINES:
            given = module.params["lines"]
            raise ValueError(f"lines: {given} is not a number from 1 to {MAX_LINES}. Nothing was changed.")
        app, since = find_app(module), log_lines.since(module.run_command, module.params["since"])
        entries = []
        if app:
            found, secrets = sorted(read(module, app, since), key=lambda line: line.time), journal.secrets(app)
            entries = [log_lines.shown(line, secrets).as_dict() for line in found]
        else:
            name = module.params["app"]
            site = f"ansible-playbook gatehouse.django.site -e app={name}"
            module.warn(f"No site of this host passes requests to {name}, so it has no logs of it: run `{site}`.")
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))
        module.exit_json(changed=False, entries=entries, since=moment)


if __name__ == "__main__":
    main()
