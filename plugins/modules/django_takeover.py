#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_takeover
short_description: Take over a site that was made by hand
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Moves a Django site that an operator made by hand to an app of role P(gatehouse.django.django_app#role), with its
    data and without a failed request. The playbook C(gatehouse.django.takeover) calls this module in its three states;
    C(docs/takeover.md) is the guide.
  - It finds what serves the names of the app's sites in nginx's configuration, follows it to the service of systemd
    and its socket, and reads the project's settings as the service's user.
  - It copies the databases of SQLite and C(MEDIA_ROOT). Databases of a server stay where they are.
  - Nothing of the hand-made site is deleted. Its project, its data and its units' files stay on the host; nginx's files
    of it are moved to C(/etc/nginx/gatehouse/replaced), and its units are stopped and disabled.
  - The switch is recorded on the host, also one that failed. M(gatehouse.django.django_status) returns the record.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
    details:
      - Reports what would be copied and replaced. A service that its socket unit has not started yet is started, as by
        a visitor.
  diff_mode:
    support: full
options:
  app:
    description:
      - The app that takes the site over.
    type: str
    required: true
  confirm:
    description:
      - The name of the app again. The takeover replaces the data of the app.
    type: str
    required: true
  state:
    description:
      - V(copied) copies the data while the hand-made site is served, so that the app can be deployed with it.
      - V(switched) copies what has changed since, and lets nginx pass requests to the app. While nothing can write,
        requests wait in the queue of the hand-made site's socket unit. If a step fails, the hand-made site is served as
        before, and its service answers what has waited.
      - V(finished) stops the units of the hand-made site, and ends certbot's renewal of its certificate once each site
        of the app with C(tls=acme) has a certificate of its own.
    type: str
    choices: [copied, switched, finished]
    required: true
  sites:
    description:
      - The sites of the app, as option O(gatehouse.django.nginx_config#module:sites) of module
        M(gatehouse.django.nginx_config).
    type: list
    elements: dict
  media_group:
    description:
      - The group of nginx, as option C(media_group) of the app.
    type: str
    default: www-data
  migrate_databases:
    description:
      - The databases to migrate after the copy, as option C(migrate_databases) of the app.
    type: list
    elements: str
    default: [default]
  names:
    description:
      - Set by the action plugin of this module, from O(sites). Not for playbooks.
    type: list
    elements: str
  site_names:
    description:
      - As O(names).
    type: list
    elements: str
  rendered:
    description:
      - As O(names).
    type: dict
  certificates:
    description:
      - As O(names).
    type: dict
  passwords:
    description:
      - As O(names).
    type: dict
  aliases:
    description:
      - As O(names).
    type: list
    elements: str
  acme_sites:
    description:
      - As O(names).
    type: list
    elements: str
  nginx_conf:
    description:
      - As O(names).
    type: dict
  purge:
    description:
      - As O(names).
    type: bool
    default: false
  run:
    description: Set by the action plugin. Leave it out.
    type: dict
    suboptions:
      id:
        description: Identifies the run.
        type: str
        default: ""
      by:
        description: The user of the controller, for the history.
        type: str
        default: ""
seealso:
  - module: gatehouse.django.django_doctor
  - module: gatehouse.django.nginx_config
"""

EXAMPLES = r"""
- name: Copy the data of the hand-made site
  gatehouse.django.django_takeover:
    app: shop
    confirm: shop
    state: copied
    sites: "{{ django_sites | gatehouse.django.django_sites('acme') }}"
"""

RETURN = r"""
is_due:
  description: Whether a hand-made site serves the names of the app's sites.
  returned: success
  type: bool
  sample: true
plan:
  description: What is taken over, or what is still to do, in sentences.
  returned: success
  type: list
  elements: str
  sample: ["database 'default': /home/deploy/project/db.sqlite3 to /srv/shop/data/db.sqlite3 (0.1 MiB)"]
phases:
  description: The duration of each phase in seconds.
  returned: when O(state=switched) changed something
  type: dict
  sample: {copy: 0.4, hold: 0.6, rest: 0.2, start: 1.4, switch: 0.3}
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import ARGUMENT_SPEC as APP_SPEC
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import RUN
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Refused as NginxRefused
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import Refused
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.settings import Unreadable
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.steps import Steps

ARGUMENT_SPEC: dict[str, object] = {
    "app": {"type": "str", "required": True},
    "confirm": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["copied", "switched", "finished"], "required": True},
    "sites": {"type": "list", "elements": "dict"},
    "media_group": APP_SPEC["media_group"],
    "migrate_databases": APP_SPEC["migrate_databases"],
    "names": {"type": "list", "elements": "str"},
    "site_names": {"type": "list", "elements": "str"},
    "rendered": {"type": "dict"},
    "certificates": {"type": "dict", "no_log": True},
    "passwords": {"type": "dict", "no_log": True},
    "aliases": {"type": "list", "elements": "str"},
    "acme_sites": {"type": "list", "elements": "str"},
    "nginx_conf": {"type": "dict"},
    "purge": {"type": "bool", "default": False},
    "run": RUN,
}


def main() -> None:
    """Bring the takeover to the requested state."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    os.umask(0o022)
    app = module.params["app"]
    attempt = Attempt(f"looking at the site that app {app} takes over")
    with explain_failures(module, attempt, (Refused, Unreadable, NginxRefused, ReleaseError, LockError)):
        if not module.params["names"]:
            raise Refused("django_takeover needs its action plugin: call it as a task. Nothing was changed.")
        with locked(f"app-{app}"):
            steps = Steps(module, attempt)
            result = getattr(steps, module.params["state"])()
    for warning in steps.warnings:
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
