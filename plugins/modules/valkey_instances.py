#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: valkey_instances
short_description: Run caches and brokers as instances of Valkey or Redis
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Makes each instance from the template unit of the distribution's package, with a drop-in. It has a unix socket that
    only the members of a group can use, no port, a user and a network namespace of its own, and a limit of memory.
  - The package must be installed. The role C(gatehouse.django.valkey) does that.
  - It refuses an instance that others have made, another kind for an existing one, and a limit below what a broker
    holds.
  - An instance whose options change is restarted. A broker keeps its data, and a cache is empty then.
options:
  instances:
    description: The instances that the call is about. Others stay as they are.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The name. The socket is C(/run/valkey-<name>/valkey.sock).
        type: str
        required: true
      kind:
        description:
          - A V(cache) writes nothing to the disk and drops what was not used for the longest time when it is full. A
            V(broker) keeps its data over restarts and reboots, and refuses new ones when it is full.
        type: str
        required: true
        choices: [cache, broker]
      group:
        description: The group whose members use the instance. Required for O(instances[].state=present).
        type: str
      memory:
        description: The most memory for data, like V(256M) or V(2G).
        type: str
        default: 256M
      state:
        description:
          - V(stopped) keeps the data of a broker. V(absent) deletes them if O(confirm) has the name of the instance.
        type: str
        default: present
        choices: [present, stopped, absent]
      remote:
        description:
          - The host that uses the instance, if that is another one. It connects over TLS with the certificate of
            M(gatehouse.django.service_certificate), as a user with the name of the app and one of the passwords.
          - The role P(gatehouse.django.django_app#role) sets it.
        type: dict
        suboptions:
          app:
            description: The name of the app, and of the user.
            type: str
            required: true
          host:
            description: The host of the app, as the inventory calls it.
            type: str
            required: true
          address:
            description: The IP address from which this host connects.
            type: str
            required: true
          hosts:
            description: All hosts of the app. Other hosts lose their access.
            type: list
            elements: str
            default: []
          known:
            description: The passwords that hosts of the app have now.
            type: list
            elements: str
            default: []
          proposed:
            description: New passwords, of which the first one is used if no host has one.
            type: list
            elements: str
            default: []
          seen:
            description:
              - The C(digest) in RV(accesses) of an earlier call in check mode. The module fails if the password has
                been changed since.
            type: str
            default: ""
  confirm:
    description: The name of a broker whose data may be deleted.
    type: str
    default: ""
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = r"""
- name: Run a cache of 512 MB for the members of a group
  gatehouse.django.valkey_instances:
    instances:
      - name: shop-cache
        kind: cache
        group: shop
        memory: 512M
"""

RETURN = r"""
package:
  description: The package of the distribution whose server runs the instances, C(valkey-server) or C(redis-server).
  returned: success
  type: str
  sample: valkey-server
pending:
  description: Whether the host differed from the requested state before the run.
  returned: success
  type: bool
missing_packages:
  description: That package, if instances need it and the host does not have it.
  returned: success
  type: list
  elements: str
  sample: []
missing_groups:
  description: Groups of the instances that the host does not have. Outside of check mode, the module fails then.
  returned: success
  type: list
  elements: str
  sample: []
restarted:
  description: The instances that were started or restarted.
  returned: success
  type: list
  elements: str
  sample: [shop-cache]
accesses:
  description:
    - Of the instances for other hosts, by name, C(port), C(chosen) (the index of the password in C(known) followed by
      C(proposed)), C(sets_password), C(digest) of the password before the run, and C(clients), the hosts that had
      access.
  returned: success
  type: dict
  sample: {}
kept:
  description: Sentences about the brokers that were stopped, and where their data are.
  returned: success
  type: list
  elements: str
  sample: ["shop-broker: stopped. Its data are kept in /var/lib/private/valkey-shop-broker."]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.authority import PROGRAM as OPENSSL
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.valkey import Engine
from ansible_collections.gatehouse.django.plugins.module_utils._valkey import access, host
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.apply import Failed, apply
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.plan import Refused, changes
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.spec import ARGUMENT_SPEC, Instance, problems


def missing_packages(module: AnsibleModule, engine: Engine, instances: list[Instance]) -> list[str]:
    """Return the packages that the instances need and the host does not have."""
    present = [one for one in instances if one["state"] == "present"]
    found = [engine.package] if present and not engine.is_installed() else []
    is_lacking = any(one["remote"] for one in present) and module.get_bin_path(OPENSSL) is None
    return found + (["openssl"] if is_lacking else [])


def main() -> None:
    """Look at the instances, and change what differs."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    instances, run = module.params["instances"], module.run_command
    if found := list(problems(instances)):
        module.fail_json("\n".join([*found, "Nothing was changed."]))
    attempt = Attempt("looking at the instances of Valkey")
    with explain_failures(module, attempt, (Refused, Failed, access.AccessError, LockError)):
        engine = host.choose_engine()
        wanted = {one["group"] for one in instances if one["state"] == "present"}
        missing = sorted(name for name in wanted if host.group_id(name) is None)
        accesses = access.of_instances(engine, instances)
        due = changes(run, engine, instances, module.params["confirm"], accesses)
        diff = [
            {"before_header": path, "after_header": path, "before": files.read(path) or "", "after": text or ""}
            for change in due
            for path, text in change.files.items()
        ]
        if due and not module.check_mode:
            if missing:
                raise Refused(f"group: the host has no group {', '.join(missing)}. Nothing was changed.")
            attempt.doing, attempt.state = "changing the instances of Valkey", "Some may have changed. Run this again."
            with locked("valkey"):
                accesses = access.of_instances(engine, instances)
                access.check(instances, accesses)
                apply(run, changes(run, engine, instances, module.params["confirm"], accesses))
        module.exit_json(
            changed=bool(due),
            pending=bool(due),
            package=engine.package,
            missing_packages=missing_packages(module, engine, instances),
            accesses={name: one.answer() for name, one in accesses.items()},
            missing_groups=missing,
            restarted=[change.name for change in due if change.start],
            kept=[change.said for change in due if change.said],
            diff=diff,
        )


if __name__ == "__main__":
    main()
