#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_upgrade
short_description: Upgrade a host's PostgreSQL cluster to another major version
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Upgrades the cluster on port 5432, which the apps of the host use, with C(pg_upgradecluster) of the distribution.
    The playbook C(gatehouse.django.upgrade_postgresql) calls it step by step.
  - V(look) says what an upgrade would do and what prevents it. It changes nothing.
  - V(rehearse) upgrades a copy of the cluster while the apps are served, says how long that takes, and drops it.
  - V(upgrade) stops the apps of the host and the cluster, makes a cluster of the new version by a copy of the files,
    compares rows, updates extensions, builds the indexes anew whose collation has changed, and gives the new cluster
    the port. If anything fails before that, the old cluster serves again.
  - V(look_back) says what would be lost by the way back, and V(back) gives the port to the old cluster again.
  - An upgrade that was killed is undone, or finished if the new cluster was already proven, by the next V(upgrade) or
    V(back).
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: partial
    details:
      - Only V(look) and V(look_back) do something then.
  diff_mode:
    support: none
options:
  step:
    description: What to do.
    type: str
    choices: [look, rehearse, upgrade, look_back, back]
    default: look
  version:
    description: The major version to upgrade to, like V(17). By default that of the distribution's C(postgresql).
    type: str
    default: ""
  rehearse:
    description: Whether a rehearsal comes before the upgrade, which needs room for two more copies of the data.
    type: bool
    default: true
  run:
    description: Set by the action plugin. Leave it out.
    type: dict
    suboptions:
      id:
        description: Identifies the run in the file with its phases.
        type: str
        default: ""
      by:
        description: The user of the controller, for the history.
        type: str
        default: ""
seealso:
  - module: gatehouse.django.postgresql_host_info
"""

EXAMPLES = r"""
- name: See what an upgrade would do
  gatehouse.django.postgresql_upgrade:
  register: look

- name: Rehearse it
  gatehouse.django.postgresql_upgrade:
    step: rehearse
"""

RETURN = r"""
is_due:
  description: Whether the cluster has another version than the one to upgrade to, or an upgrade was interrupted.
  returned: with O(step=look)
  type: bool
is_interrupted:
  description: Whether an upgrade was interrupted, so that the next one only undoes or finishes it.
  returned: with O(step=look)
  type: bool
packages:
  description: The Debian packages to install before a rehearsal or the upgrade.
  returned: with O(step=look)
  type: list
  elements: str
  sample: [postgresql-17]
problems:
  description: What prevents the upgrade, each with its remedy.
  returned: with O(step=look)
  type: list
  elements: str
lines:
  description: What was found or done, for people.
  returned: success
  type: list
  elements: str
phases:
  description: The duration of each phase in seconds.
  returned: when something was done
  type: dict
  sample: {copy: 3.1, upgrade: 6.2}
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app.progress import Progress
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import RUN
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, die_with_parent
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core import apt
from ansible_collections.gatehouse.django.plugins.module_utils._core.disk_space import with_lack
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import (
    Attempt,
    explain_failures,
    printable,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import steps

NAME = "postgresql"
ARGUMENT_SPEC: dict[str, object] = {
    "step": {"type": "str", "choices": ["look", "rehearse", "upgrade", "look_back", "back"], "default": "look"},
    "version": {"type": "str", "default": ""},
    "rehearse": {"type": "bool", "default": True},
    "run": RUN,
}


def main() -> None:
    """Do the step."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    os.umask(0o022)
    params = module.params
    run = params["run"] or {"id": ""}
    progress = Progress(NAME, run["id"])
    tools = Tools(die_with_parent(run_bounded), {}, enter=progress.enter)
    remedy = "See pg_lsclusters; run the playbook again, which undoes or finishes what is left."
    with explain_failures(module, Attempt("upgrading PostgreSQL", remedy)):
        try:
            step = params["step"]
            if module.check_mode and not step.startswith("look"):
                answer = {"changed": step != "rehearse", "lines": [f"{step}: nothing is done in check mode"]}
            elif step == "look":
                answer = steps.look(tools, params["version"], copies=2 if params["rehearse"] else 1)
            else:
                with locked(f"{NAME}-upgrade"):
                    answer = steps.STEPS[step](tools, params["version"])
        except (PostgresqlError, ReleaseError, BackupError, LockError, apt.AptError, OSError) as error:
            module.fail_json(f"PostgreSQL: {printable(with_lack(error))}", phases=tools.phases)
        finally:
            progress.end()
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
