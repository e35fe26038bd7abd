#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_doctor
short_description: Say why a site does not work, and what helps
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Asks the nginx of the host for pages and files as a visitor would, and follows what goes wrong to its cause. That
    may be nginx itself, the app's service or socket, an address where nothing listens, a permission on the path, static
    files that were not collected, a symbolic link that nginx does not follow, a process that the kernel killed for want
    of memory, a certificate, a redirect that never ends, a name that is not served, or a setting of the project that
    does not fit its site.
  - It reads the configuration that nginx has, whoever wrote it, and needs no inventory. Projects are compared with
    their sites where nginx hands requests to an app of role P(gatehouse.django.django_app#role).
  - The requests go to the host's own addresses and appear in the access log. Nothing is ever changed.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
  - gatehouse.django.attributes.read_only
options:
  url:
    description:
      - The page that does not work, as a URL or as a host name alone.
      - Without it, each site with a name is asked for its first page and for one file of each of its directories of
        static files.
    type: str
  settings_only:
    description:
      - Compare the settings of the projects with their sites, and make no request. Each finding is a warning, too.
    type: bool
    default: false
notes:
  - A page that nginx waits for is waited for, too, with all that it redirects to for up to 65 seconds. Settings that do
    not load are given up after 25 seconds.
  - It trusts no app. Where an app or a repository decides what stands, it follows no link and opens only regular files.
    Characters that a terminal might obey are shown as escapes.
  - What the kernel killed is looked for in the journal of the last hour, and in the state of the app's units.
seealso:
  - module: gatehouse.django.nginx_info
"""

EXAMPLES = r"""
- name: Look at all sites of the host
  gatehouse.django.django_doctor:
  register: doctor

- name: Ask why a stylesheet is missing
  gatehouse.django.django_doctor:
    url: https://www.shop.example.com/static/shop.css
  register: doctor

- name: Show the causes
  ansible.builtin.debug:
    msg: "{{ item.cause }} {{ item.remedy }}"
  loop: "{{ doctor.findings }}"
"""

RETURN = r"""
findings:
  description: Causes, each with its remedy. There are none on a host that is well.
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
      description: One sentence that says what is wrong.
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
asked:
  description: What was asked for, without its query, and the status of the answer. It is 0 where there was none.
  returned: success
  type: list
  elements: dict
  sample: [{url: https://shop.example.com/, status: 502}]
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import engine
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import nginx as condition
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import look
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import Wish, parse
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import facts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts

ARGUMENT_SPEC: dict[str, Any] = {"url": {"type": "str"}, "settings_only": {"type": "bool", "default": False}}


def main() -> None:
    """Look, ask and explain."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    try:
        wish = parse(module.params["url"]) if module.params["url"] is not None else None
    except ValueError as error:
        module.fail_json(msg=harmless(str(error)))
    attempt = Attempt(f"examining {wish.name if wish else 'the sites of the host'}", conceal=harmless)
    if module.params["settings_only"]:
        try:
            answer = compare(module, wish)
        except Exception as error:
            # What comes last in a role's play must not fail it.
            module.warn(f"The settings were not compared with the sites. {attempt.message(error)}")
            answer = {"findings": [], "asked": []}
    else:
        with explain_failures(module, attempt):
            answer = examine(module, wish)
    module.exit_json(changed=False, **answer)


def examine(module: AnsibleModule, wish: Wish | None) -> dict[str, Any]:
    """What is wrong, and what was asked for."""
    described, master = _nginx(module)
    visits: list[Visit] = []
    findings = condition.explain(module.run_command, described, master)
    if not findings:
        findings, visits = engine.of_host(look(module.run_command, described, master), wish)
    asked = {request.url: answer.status for steps in visits for request, answer in steps}
    return _answer(findings) | {"asked": [{"url": harmless(url), "status": status} for url, status in asked.items()]}


def compare(module: AnsibleModule, wish: Wish | None) -> dict[str, Any]:
    """What of the projects' settings does not fit their sites; each finding is a warning, too."""
    described, master = _nginx(module)
    answer = _answer(engine.of_projects(look(module.run_command, described, master), wish))
    for one in answer["findings"]:
        module.warn(f"{one['site']}: {one['cause']} {one['remedy']}")
    return answer | {"asked": []}


def _nginx(module: AnsibleModule) -> tuple[NginxFacts, int | None]:
    binary = module.get_bin_path("nginx", opt_dirs=["/usr/sbin", "/sbin"])
    described = facts.describe(module.run_command, binary)
    return described, facts.master_pid(module.run_command, described["pid_path"])


def _answer(findings: list[Finding]) -> dict[str, Any]:
    return {"findings": [asdict(finding) for finding in dict.fromkeys(findings)]}


if __name__ == "__main__":
    main()
