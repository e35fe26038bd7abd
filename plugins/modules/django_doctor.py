#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_doctor
short_description: Find out why a site does not work, and how to correct it
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Requests pages and files from the nginx of the host as a visitor would, and finds the cause of each wrong answer. It
    may be nginx itself, the app's service or socket, an address where nothing listens, a permission on the path, static
    files that were not collected, a symbolic link that nginx does not follow, a process that the kernel killed for lack
    of memory, a certificate, a redirect loop, a name that no site has, or a setting of the project that does not fit
    its site.
  - It says which sites of an operator Gatehouse could take over, with their services, databases and uploads. For that
    it reads the settings of their projects as the user of their service.
  - It reads nginx's configuration on the host, including files that Gatehouse did not write, and needs no inventory. It
    compares projects with their sites where nginx passes requests to an app of role
    P(gatehouse.django.django_app#role).
  - A cause is argued from evidence, not from the status alone. The module reads nginx's error lines about its own
    request, the page of the answer, and what the application has logged since, in the journal of its unit or in a
    log file that it has open. It finds the systemd unit behind the port or socket of an application that Gatehouse
    did not deploy. A failing answer that no known cause explains is reported with this evidence.
  - On a balancer it asks each web host of a site as nginx does, and names those that do not serve it, also if visitors
    do not notice because the others answer.
  - It requests the style sheets and scripts that pages refer to, and the pages below each prefix of a site.
  - It looks for processes of an app that do not run, that a signal has stopped, or that are frozen. It asks workers of
    Celery whether they take tasks, with Celery's own C(inspect) in the app's environment and sandbox. That is possible
    where the process is C(celery -A NAME worker), also with C(env NAME=VALUE) before it, with the pool C(prefork) or
    C(threads) and a broker that supports it, Redis or RabbitMQ for example. Of a Celery worker with another pool or
    broker it asks the broker only. Of other programs it examines only the process.
  - The requests go to the host's own addresses and appear in the access log. The module never changes anything.
  - It sends one kind of form with POST, to find out whether Django rejects forms (CSRF), and only a login form with
    one text field and one password field, found on a page that it visits, or at V(accounts/login/) or
    V(admin/login/). It leaves the name and the password empty. Django's own login form rejects that before it asks
    an authentication backend, so that nothing counts it as an attempt to log in. The module never sends another
    form, and never the data of a user.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
  - gatehouse.django.attributes.read_only
options:
  url:
    description:
      - The page that does not work, as a URL or as a host name alone.
      - Without it, the module requests of each site with a name its first page and one file of each of its directories
        of static files.
    type: str
  apps:
    description:
      - Examine only the sites that pass requests to these apps of role P(gatehouse.django.django_app#role). Cannot be
        combined with O(url).
    type: list
    elements: str
    default: []
  hosts:
    description:
      - The hosts of the inventory by the IP address at which the others reach them, as filter
        P(gatehouse.django.names_of_addresses#filter) returns them. By it, findings name web hosts behind a balancer.
    type: dict
    default: {}
  settings_only:
    description:
      - Compare the settings of the projects with their sites, and send no request. Each finding is also a warning.
    type: bool
    default: false
  changed_only:
    description:
      - With O(settings_only) and without O(url), pass over the apps whose settings agreed with their sites before, as
        long as the release and the sites are the same. The host forgets it at a boot. Reading the settings of an app
        takes most of a second.
    type: bool
    default: false
notes:
  - The module waits up to 20 seconds for all pages of a site, and as long for its forms. A page that does not end by
    then is a finding. It waits up to 25 seconds for the settings of an app, and up to 40 seconds for its workers.
  - It trusts no app. In directories that an app or a repository can write, it follows no link and opens only regular
    files. Findings show control characters as escapes.
  - It looks for processes that the kernel killed in the journal of the last hour and in the state of the app's units.
seealso:
  - module: gatehouse.django.nginx_info
"""

EXAMPLES = r"""
- name: Examine all sites of the host
  gatehouse.django.django_doctor:
  register: doctor

- name: Find out why a stylesheet is missing
  gatehouse.django.django_doctor:
    url: https://www.shop.example.com/static/shop.css
  register: doctor

- name: Examine the sites of one app
  gatehouse.django.django_doctor:
    apps: [shop]
  register: doctor

- name: Show the causes
  ansible.builtin.debug:
    msg: "{{ item.cause }} {{ item.remedy }}"
  loop: "{{ doctor.findings }}"
"""

RETURN = r"""
findings:
  description: Causes, each with its remedy. The list is empty where nothing is wrong.
  returned: success
  type: list
  elements: dict
  contains:
    site:
      description: The first server name of the site, or V(all sites).
      returned: success
      type: str
      sample: shop.example.com
    cause:
      description: One sentence about what is wrong.
      returned: success
      type: str
      sample: >-
        nginx cannot reach the socket /srv/shop/current/web.sock: the directory /srv/shop (mode 0700 root:root) cannot
        be entered by nginx's user www-data.
    remedy:
      description: The line to add, or the command to type.
      returned: success
      type: str
      sample: "`chmod o+x /srv/shop`"
    explains:
      description:
        - The requests and answers that this cause explains. The list is empty for a problem that the module saw
          elsewhere, in a log or in the settings of a project for example.
      returned: success
      type: list
      elements: str
      sample: ["https://shop.example.com/: 502"]
    host:
      description:
        - The host of the inventory that the cause is on, if it is not this one. Its own diagnosis says more. Empty for
          a cause on this host.
      returned: success
      type: str
      sample: ""
drained:
  description: Since when the host is drained (docs/fleet.md), as UTC time in ISO 8601 format; empty if it is not.
  returned: success
  type: str
  sample: "2026-11-27T10:00:00Z"
takeovers:
  description: Sites that were made by hand, with a Django project that Gatehouse could take over.
  returned: success
  type: list
  elements: dict
  contains:
    site:
      description: The first server name of the site.
      returned: success
      type: str
      sample: www.example.com
    plan:
      description: What would be taken over, in sentences, or why that is not possible.
      returned: success
      type: list
      elements: str
      sample:
        - >-
          www.example.com: served by gunicorn.service as deploy, from /home/deploy/project, settings module
          mysite.settings
        - "copy database 'default': /home/deploy/project/db.sqlite3 to /srv/APP/data/db.sqlite3 (0.1 MiB)"
    command:
      description: The command that does it.
      returned: success
      type: str
      sample: "`ansible-playbook gatehouse.django.takeover -e app=APP -e confirm=APP`, see docs/takeover.md"
asked:
  description: Each requested URL, without its query, and the status of the answer, 0 where there was none.
  returned: success
  type: list
  elements: dict
  sample: [{url: https://shop.example.com/, status: 502}]
"""

from collections.abc import Iterable
from functools import partial
from typing import TypedDict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import drained
from ansible_collections.gatehouse.django.plugins.module_utils._app.installed import installed
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import engine
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.nginx import check_nginx
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import read_host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.agreed import Agreed
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import Target, parse
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Step
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import facts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.advice import Advice, advise

ARGUMENT_SPEC: dict[str, object] = {
    "url": {"type": "str"},
    "apps": {"type": "list", "elements": "str", "default": []},
    "hosts": {"type": "dict", "default": {}},
    "settings_only": {"type": "bool", "default": False},
    "changed_only": {"type": "bool", "default": False},
}


class Asked(TypedDict):
    """A request, without its query, and the status of the answer."""

    url: str
    status: int


class Reported(TypedDict):
    """A finding as the module reports it."""

    site: str
    cause: str
    remedy: str
    explains: list[str]
    host: str


class Result(TypedDict):
    """The module's result."""

    findings: list[Reported]
    takeovers: list[Advice]
    asked: list[Asked]
    drained: str


def main() -> None:
    """Examine the host, or only compare settings."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    try:
        target = parse(module.params["url"]) if module.params["url"] is not None else None
    except ValueError as error:
        module.fail_json(msg=harmless(f"{error}. Nothing was changed."))
    if target and module.params["apps"]:
        module.fail_json(msg="url names one page, so it cannot be combined with apps: remove one. Nothing was changed.")
    attempt = Attempt(f"examining {target.name if target else 'the sites of the host'}", conceal=harmless)
    if module.params["settings_only"]:
        result = compare_settings(module, target, attempt)
    else:
        with explain_failures(module, attempt):
            result = examine(module, target)
    module.exit_json(changed=False, **result)


def examine(module: AnsibleModule, target: Target | None) -> Result:
    """Check nginx, then request pages and explain the answers."""
    nginx, master = nginx_facts(module)
    # Who asks about an app knows that the host passes requests to it.
    if not nginx["installed"] and not target and not module.params["apps"] and not installed():
        return result_of(engine.check_services_host(module.run_command))
    finding = check_nginx(module.run_command, nginx, master)
    if finding:
        return result_of([finding])
    host, apps = read_host(module.run_command, nginx, master, module.params["hosts"]), module.params["apps"]
    diagnosis = engine.check_host(host, target, apps)
    result = result_of(diagnosis.findings, diagnosis.steps)
    # Requests have started the services of socket units.
    return {**result, "takeovers": advise(host, partial(engine.is_meant, host, target, apps))}


def compare_settings(module: AnsibleModule, target: Target | None, attempt: Attempt) -> Result:
    """Compare the projects' settings with their sites; warn of each finding."""
    try:
        nginx, master = nginx_facts(module)
        host = read_host(module.run_command, nginx, master)
        apps = module.params["apps"]
        if module.params["changed_only"] and not target:
            agreed, remember = Agreed(host.app_sites), not module.check_mode
            result = result_of(engine.check_changed_settings(host, agreed, apps, remember=remember))
        else:
            result = result_of(engine.check_settings(host, target, apps))
    except Exception as error:
        # The role calls this at the end of its play, which must not fail because of it.
        module.warn(f"The settings were not compared with the sites. {attempt.message(error)}")
        return result_of([])
    for finding in result["findings"]:
        module.warn(f"{finding['site']}: {finding['cause']} {finding['remedy']}")
    return result


def nginx_facts(module: AnsibleModule) -> tuple[NginxFacts, int | None]:
    """The facts of nginx, and the process id of its master."""
    binary = facts.nginx_program(module.get_bin_path)
    nginx = facts.describe(module.run_command, binary)
    return nginx, facts.master_pid(module.run_command, nginx["pid_path"])


def reported(finding: Finding) -> Reported:
    """The finding as the module reports it."""
    return Reported(
        site=finding.site,
        cause=finding.cause,
        remedy=finding.remedy,
        explains=list(finding.explains),
        host=finding.host,
    )


def result_of(findings: Iterable[Finding], steps: Iterable[Step] = ()) -> Result:
    """The result for the findings and the requests."""
    asked = {step.request.url: step.answer.status for step in steps}
    return {
        "findings": [reported(finding) for finding in dict.fromkeys(findings)],
        "takeovers": [],
        "drained": mark["since"] or "an unknown time" if (mark := drained.read()) else "",
        "asked": [{"url": harmless(url), "status": status} for url, status in asked.items()],
    }


if __name__ == "__main__":
    main()
