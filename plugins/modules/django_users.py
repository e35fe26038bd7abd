#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_users
short_description: Create the users of a Django app before its first deployment
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Creates the user that runs the app and the one that builds its releases, each with a group of its own, as
    M(gatehouse.django.django_release) does. Services of the app, such as a cache, give their access to these groups.
  - It refuses a name that a user or group of the host has already.
options:
  app:
    description: The name of the app.
    type: str
    required: true
  number:
    description:
      - The numeric ID that a new user of the app and its group get, if no user or group of the host has it. Hosts that
        share files need the same one. By default it is one from 400 to 799 that depends on the name of the app. A
        user that exists keeps its own.
    type: int
    default: 0
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: gatehouse.django.django_release
"""

EXAMPLES = r"""
- name: Create the users of the shop
  gatehouse.django.django_users:
    app: shop
"""

RETURN = r"""
users:
  description: The users that were missing or had wrong properties.
  returned: success
  type: list
  elements: str
  sample: [shop, shop-build]
number:
  description:
    - The numeric ID of the app's user before the run, or of the owner of data that an earlier installation left. V(0)
      if there is none.
  returned: success
  type: int
  sample: 998
taken:
  description: The IDs from 100 to 999 that other users and groups of the host had before the run, and their names.
  returned: success
  type: dict
  sample: {"101": messagebus, "999": systemd-journal}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked


def main() -> None:
    """Create what is missing."""
    spec = {"app": {"type": "str", "required": True}, "number": {"type": "int", "default": 0}}
    module = AnsibleModule(spec, supports_check_mode=True)
    app = App(module.params["app"])
    attempt = Attempt(f"creating the users of the app {app.name}", "Run it again.")
    with explain_failures(module, attempt, (ReleaseError, LockError)):
        accounts.check(app)
        missing, number = accounts.outdated(app), accounts.number(app)
        taken = {str(one): name for one, name in accounts.taken().items() if one != number}
        if missing and not module.check_mode:
            with locked(f"app-{app.name}"):
                accounts.ensure(Tools(module.run_command, {}), app, module.params["number"])
        module.exit_json(changed=bool(missing), users=missing, number=number or 0, taken=taken, app=app.name)


if __name__ == "__main__":
    main()
