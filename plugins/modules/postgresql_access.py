#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_access
short_description: Let an app on another host use its database
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Adds a line for one database, one role and one address to a block of C(pg_hba.conf), has the server listen for other
    hosts with the certificate of M(gatehouse.django.service_certificate), and gives the role one of the passwords in
    O(known) and O(proposed), unless it has one of them already.
  - A password is in no statement, log or command line. The server gets a SCRAM-SHA-256 verifier of it.
  - It refuses a server with a certificate of others.
  - It restarts a server that listened on its own host only. The apps of that host wait meanwhile, so that their
    visitors get no error. If Gatehouse did not install the server, if another client is connected or a transaction
    lasts, it fails instead and names the command.
  - The role P(gatehouse.django.django_app#role) uses it. It needs C(become) to root.
options:
  state:
    description: V(absent) removes the line for O(host). Role, password and database stay.
    type: str
    choices: [present, absent]
    default: present
  app:
    description: The name of the app, of its role and of its database. Both must exist.
    type: str
    required: true
  host:
    description: The host of the app, as the inventory calls it.
    type: str
    required: true
  address:
    description: The IP address from which this host connects. Required for O(state=present).
    type: str
    default: ""
  hosts:
    description: All hosts of the app. Lines of other hosts for this app are removed.
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
      - The V(digest) that an earlier call in check mode has returned. The module fails if the password of the role has
        been changed since.
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
    details:
      - The diff has the settings, and of pg_hba.conf the lines of Gatehouse. It never has a password.
"""

EXAMPLES = r"""
- name: Let the shop on web1 use its database
  gatehouse.django.postgresql_access:
    app: shop
    host: web1.example.com
    address: 192.0.2.10
    hosts: [web1.example.com]
    proposed: ["{{ vault_shop_database_password }}"]
  delegate_to: db1.example.com
  no_log: true
"""

RETURN = r"""
chosen:
  description: The index, in O(known) followed by O(proposed), of the password that the role has; -1 if it has another.
  returned: success
  type: int
  sample: 0
digest:
  description: What tells the password of the role before the run from others. Empty if the role had none.
  returned: success
  type: str
  sample: 0c1e1f6f0a1b2c3d
sets_password:
  description: Whether the role gets another password than it had.
  returned: success
  type: bool
is_due:
  description: Whether the server differed from what is asked for.
  returned: success
  type: bool
clients:
  description: Those of O(hosts) that could connect before the run.
  returned: success
  type: list
  elements: str
  sample: [web1.example.com]
major:
  description: The version of the server. Empty if the host has none yet, in check mode.
  returned: success
  type: str
  sample: "17"
restarted:
  description: A sentence about the restart of the server, in check mode about the one that would be necessary.
  returned: success
  type: str
  sample: ""
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import access, hba
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import (
    PROGRAM,
    Cluster,
    PostgresqlError,
    find,
)

SPEC: dict[str, object] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "app": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
    "address": {"type": "str", "default": ""},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "known": {"type": "list", "elements": "str", "default": [], "no_log": True},
    "proposed": {"type": "list", "elements": "str", "default": [], "no_log": True},
    "seen": {"type": "str", "default": ""},
}


def running(module: AnsibleModule) -> Cluster | None:
    """Return the cluster if it runs."""
    cluster = find(module.run_command) if module.get_bin_path(PROGRAM) else None
    return cluster if cluster and cluster.is_online else None


def present(module: AnsibleModule, cluster: Cluster) -> dict[str, Any]:
    """Let the app in."""
    names = ("app", "host", "address", "hosts", "known", "proposed", "seen")
    wanted = access.Access(**{name: module.params[name] for name in names})
    due = access.plan(module.run_command, cluster, wanted)
    said = due.restart
    if due.is_due and not module.check_mode:
        with locked("postgresql"):
            due = access.plan(module.run_command, cluster, wanted)
            said = access.apply(module.run_command, cluster, wanted, due)
    return {
        **{"changed": due.is_due, "chosen": due.chosen, "digest": due.digest, "sets_password": bool(due.password)},
        **{"restarted": said, "major": cluster.major, "diff": difference(cluster, due.texts)},
        **{"is_due": due.is_due, "clients": due.clients},
    }


def absent(module: AnsibleModule, cluster: Cluster) -> dict[str, Any]:
    """Remove the line of the host."""
    texts = access.revoke(module.run_command, module.params["app"], module.params["host"])
    if texts and not module.check_mode:
        with locked("postgresql"):
            texts = access.revoke(module.run_command, module.params["app"], module.params["host"])
            access.write(module.run_command, texts)
    return {"changed": bool(texts), "major": cluster.major, "diff": difference(cluster, texts)}


def difference(cluster: Cluster, texts: Mapping[str, tuple[str, str]]) -> list[dict[str, str]]:
    """Return the diff of files. Of pg_hba.conf it has Gatehouse's lines: others can have a password, as for LDAP."""
    found = []
    for path, both in texts.items():
        is_whole = path == access.settings_file(cluster)
        before, after = both if is_whole else ("".join(f"{one.line}\n" for one in hba.clients(text)) for text in both)
        found.append({"before_header": path, "after_header": path, "before": before, "after": after})
    return found


def main() -> None:
    """Change what differs."""
    module = AnsibleModule(SPEC, supports_check_mode=True, required_if=[("state", "present", ("address",))])
    attempt = Attempt("letting an app use its database", "The database and its data are as they were. Run it again.")
    with explain_failures(module, attempt, (PostgresqlError, LockError)):
        cluster = running(module)
        is_wanted = module.params["state"] == "present"
        if not cluster and is_wanted and not module.check_mode:
            raise PostgresqlError("PostgreSQL does not run on this host. Nothing was changed.")
        if not cluster:
            # In check mode, an earlier task would install the server.
            new = (
                {"chosen": 0, "digest": "", "sets_password": True, "restarted": ""} | {"is_due": True, "clients": []}
                if is_wanted
                else {}
            )
            module.exit_json(changed=is_wanted, major="", **new)
        else:
            module.exit_json(**(present if is_wanted else absent)(module, cluster))


if __name__ == "__main__":
    main()
