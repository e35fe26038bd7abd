#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_exchange
short_description: Exchange the database of an app on other hosts with a copy that a restore has loaded
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Does on the host of the database what only the superuser can do in a restore or rollback. The playbooks
    C(gatehouse.django.restore) and C(gatehouse.django.rollback) call it, between the steps of
    M(gatehouse.django.django_exchange) on the hosts of the app.
  - Works on the database of the app's name and its copy of the name C(<app>_restored), which must belong to the role of
    the app's name. Each state can be asked for again.
options:
  app:
    description: The name of the app, of its role, and of its database.
    type: str
    required: true
  state:
    description:
      - V(found) changes nothing, and neither does V(possible), which fails if no copy can be made. V(taken) lets
        the run of O(owner) go on in the place of one that was killed.
      - V(prepared) makes the empty copy, in the place of one that a killed run has left.
      - V(exchanged) gives the name of the live database to the copy, in one transaction that ends all connections, and
        keeps the live one under the name O(kept). V(returned) undoes that. A copy that was live is kept as
        C(<app>_undone_<time>) then, and one that was not is dropped.
    type: str
    choices: [found, possible, taken, prepared, exchanged, returned]
    required: true
  kept:
    description: The name for the database that was live, like C(shop_before_20261126t023000z).
    type: str
    required: true
  owner:
    description:
      - The random word that identifies the run. With O(state=exchanged) it must have made the copy, or have taken over
        the run that did. Also with O(state=returned), if the database is exchanged.
    type: str
    default: ""
  hosts:
    description: With O(state=possible) and O(state=prepared), the hosts in the inventory that exchange it together.
    type: list
    elements: str
    default: []
  extensions:
    description: With O(state=prepared), the extensions that the copy gets if the live database has them.
    type: list
    elements: str
    default: []
  size:
    description:
      - With O(state=possible) and O(state=prepared), the bytes of the dump. It is refused where there is no room.
    type: int
    default: 0
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: none
  diff_mode:
    support: none
seealso:
  - module: gatehouse.django.django_exchange
  - module: gatehouse.django.postgresql_access
"""

EXAMPLES = r"""
- name: See whether an interrupted restore has exchanged the database
  gatehouse.django.postgresql_exchange:
    app: shop
    state: found
    kept: shop_before_20261126t023000z
"""

RETURN = r"""
state:
  description: The state that was asked for.
  returned: success
  type: str
  sample: exchanged
is_exchanged:
  description: Whether the copy is live now.
  returned: success
  type: bool
has_kept:
  description: Whether the database of before is there under the name O(kept).
  returned: success
  type: bool
undone:
  description: The name of the database that was live until the exchange was undone; empty if there is none.
  returned: success
  type: str
  sample: shop_undone_20261126t023000z
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._backup.far_database import FarDatabase
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import (
    Attempt,
    explain_failures,
    printable,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError

SPEC: dict[str, Any] = {
    "app": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "choices": ["found", "possible", "taken", "prepared", "exchanged", "returned"],
        "required": True,
    },
    "kept": {"type": "str", "required": True},
    "owner": {"type": "str", "default": ""},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "extensions": {"type": "list", "elements": "str", "default": []},
    "size": {"type": "int", "default": 0},
}


def reach(database: FarDatabase, params: dict[str, Any]) -> None:
    """Bring the database into the state of the *params*."""
    if params["state"] == "possible":
        database.check(params["size"], params["hosts"])
    elif params["state"] == "taken":
        database.take()
    elif params["state"] == "prepared":
        database.prepare(params["extensions"], params["size"], params["hosts"])
    elif params["state"] == "exchanged":
        database.exchange()
    elif params["state"] == "returned":
        database.give_back()
        database.drop()


def main() -> None:
    """Bring the database into the state that is asked for."""
    module = AnsibleModule(SPEC)
    params = module.params
    with explain_failures(module, Attempt(f"exchanging the database of the app {params['app']}")):
        try:
            database = FarDatabase(params["app"], params["kept"], params["owner"])
            with locked(f"database-{params['app']}"):
                before = database.is_exchanged()
                reach(database, params)
                after = database.is_exchanged()
                found = {"has_kept": database.has_kept(), "undone": database.undone if database.has_undone() else ""}
        except (BackupError, PostgresqlError, LockError, OSError) as error:
            module.fail_json(f"{params['app']}: {printable(str(error))}")
        changed = before != after or params["state"] in ("taken", "prepared")
        module.exit_json(changed=changed, state=params["state"], is_exchanged=after, **found)


if __name__ == "__main__":
    main()
