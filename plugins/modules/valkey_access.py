#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: valkey_access
short_description: End the access of a host to the cache or the broker of an app
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Removes O(host) from the hosts that reach an instance which M(gatehouse.django.valkey_instances) has made for other
    hosts. The instance goes on running without a restart, and its data and password stay.
  - The role P(gatehouse.django.django_app#role) uses it. It needs C(become) to root.
options:
  app:
    description: The name of the app.
    type: str
    required: true
  kind:
    description: Which of them.
    type: str
    required: true
    choices: [cache, broker]
  host:
    description: The host of the app, as the inventory calls it.
    type: str
    required: true
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: gatehouse.django.valkey_instances
  - module: gatehouse.django.postgresql_access
"""

EXAMPLES = r"""
- name: End the access of web2
  gatehouse.django.valkey_access:
    app: shop
    kind: cache
    host: web2.example.com
  delegate_to: db1.example.com
"""

RETURN = r"""
changed:
  description: Whether the host reached an instance.
  returned: success
  type: bool
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.valkey import KINDS
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.access import revoked
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.apply import Failed, let_in, write


def main() -> None:
    """Remove the host."""
    spec = {
        "app": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True, "choices": list(KINDS)},
        "host": {"type": "str", "required": True},
    }
    module = AnsibleModule(spec, supports_check_mode=True)
    wanted = [module.params[name] for name in ("app", "kind", "host")]
    attempt = Attempt("ending the access of a host to Valkey", "The instances are as they were. Run it again.")
    with explain_failures(module, attempt, (Failed, LockError)):
        found = revoked(*wanted)
        diff = [
            {"before_header": path, "after_header": path, "before": files.read(path) or "", "after": text}
            for path, text in found.items()
        ]
        if found and not module.check_mode:
            with locked("valkey"):
                found = revoked(*wanted)
                for path, text in found.items():
                    unit = os.path.basename(os.path.dirname(path)).removesuffix(".d")
                    let_in(module.run_command, unit, text)
                    write(module.run_command, {path: text}, unit)
        module.exit_json(changed=bool(found), diff=diff)


if __name__ == "__main__":
    main()
