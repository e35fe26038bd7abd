#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_runs_once
short_description: Run the processes of an app that run on one host, here or not
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Processes and timers of an app with C(run_on=one) run on one of the hosts that serve it. This module starts them on
    the host, or stops them. Role C(gatehouse.django.django_app) stops them on all other hosts first.
  - They stay on the host, also when it boots again, until this module stops them there.
  - On a drained host (M(gatehouse.django.django_drain)), it starts nothing.
options:
  app:
    description: The name of the app.
    type: str
    required: true
  state:
    description:
      - Whether they run on this host. With V(absent), none of them runs any more when the module has ended.
    type: str
    choices: [present, absent]
    default: present
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
- name: Stop the scheduler on a host that is shut down
  gatehouse.django.django_runs_once:
    app: shop
    state: absent
"""

RETURN = r"""
units:
  description: The units that run on one host.
  returned: success
  type: list
  elements: str
  sample: [shop-beat.service]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import runs_once
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked


def main() -> None:
    """Start or stop the units, unless they are as requested."""
    spec = {
        "app": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    module = AnsibleModule(spec, supports_check_mode=True)
    app, is_wanted = App(module.params["app"]), module.params["state"] == "present"
    tools = Tools(module.run_command, {})
    units = Units(tools, app)
    found = units.once(units.on_host())
    attempt = Attempt(f"deciding where the processes of the app {app.name} run that run once", "Run it again.")
    with explain_failures(module, attempt, (ReleaseError, LockError)):
        is_up = [units.show(name)["ActiveState"] in ("active", "activating") for name in found]
        if is_wanted and units.is_drained:
            module.warn(f"{app.name}: the host is drained, so nothing was started.")
            module.exit_json(changed=False, units=found)
        is_due = units.runs_once != is_wanted or (not all(is_up) if is_wanted else any(is_up))
        if is_due and not module.check_mode:
            with locked(f"app-{app.name}"):
                if is_wanted:
                    runs_once.take(tools, units)
                else:
                    runs_once.give_up(tools, units)
        module.exit_json(changed=is_due, units=found)


if __name__ == "__main__":
    main()
