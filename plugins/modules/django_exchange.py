#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_exchange
short_description: One step of a restore or rollback of an app whose database is on another host
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - The playbooks C(gatehouse.django.restore) and C(gatehouse.django.rollback) call it on each host of the app, and
    M(gatehouse.django.postgresql_exchange) on the host of the database. Each step ends on all hosts before the next one
    begins on any of them.
  - V(begin) writes down what is to be done, and keeps deployments away. V(load) loads the backup into the copy of the
    database. V(stop) stops the app, also for a boot. V(switch) starts it with the release that belongs to the data,
    after the files of this host are exchanged. V(end) ends it. V(take) lets this run go on in the place of one that was
    killed.
  - V(back) and V(discard) undo the others, before and after the database of before has its name again.
options:
  app:
    description: Name of the app.
    type: str
    required: true
  step:
    description:
      - The step. On a host that has not begun the run, or where another one has taken it over, V(load), V(stop) and
        V(switch) fail, and V(take), V(end), V(back) and V(discard) do nothing.
    type: str
    choices: [begin, take, load, stop, switch, end, back, discard]
    required: true
  plan:
    description: For V(begin) and V(load), what M(gatehouse.django.django_restore) or
      M(gatehouse.django.django_rollback) has returned on the host with the backup.
    type: dict
    default: {}
  kept:
    description:
      - The name under which the database of before is kept. It identifies what is exchanged, also for a run that takes
        it over.
    type: str
    required: true
  owner:
    description: The random word that identifies the run.
    type: str
    required: true
  has_backup:
    description: For V(begin), whether this is the host with the backup.
    type: bool
    default: false
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
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: none
  diff_mode:
    support: none
seealso:
  - module: gatehouse.django.django_restore
  - module: gatehouse.django.django_rollback
  - module: gatehouse.django.postgresql_exchange
"""

EXAMPLES = r"""
- name: Stop the app
  gatehouse.django.django_exchange:
    app: shop
    step: stop
    kept: shop_before_20261126t023000z
    owner: 0b6c5f1d9a7e4c3288a1
"""

RETURN = r"""
step:
  description: The step that was done.
  returned: success
  type: str
  sample: stop
is_begun:
  description: Whether this host had begun the run, or after V(begin) and V(take), whether it has.
  returned: success
  type: bool
before:
  description: The release that was served before the step.
  returned: success
  type: str
  sample: 5a7b0c1d2e3f-12cd34ef
current:
  description: The release that is served.
  returned: success
  type: str
  sample: 1f0c8d2e4b6a-90ab12cd
kept:
  description: Where the data of this host are that were live before, after V(end).
  returned: success
  type: list
  elements: str
phases:
  description: The duration of each phase in seconds.
  returned: success
  type: dict
  sample: {stop: 0.4}
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app.history import History
from ansible_collections.gatehouse.django.plugins.module_utils._app.installed import require
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.progress import Progress
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import RUN
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, die_with_parent
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._backup.far_steps import FarSteps
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._core.disk_space import with_lack
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import (
    Attempt,
    explain_failures,
    printable,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded

SPEC: dict[str, Any] = {
    "app": {"type": "str", "required": True},
    "step": {
        "type": "str",
        "choices": ["begin", "take", "load", "stop", "switch", "end", "back", "discard"],
        "required": True,
    },
    "plan": {"type": "dict", "default": {}},
    "kept": {"type": "str", "required": True},
    "owner": {"type": "str", "required": True},
    "has_backup": {"type": "bool", "default": False},
    "run": RUN,
}


def take(work: FarSteps, params: dict[str, Any], history: History) -> list[str]:
    """Do the step; return where the data are that were live before."""
    step = params["step"]
    if step == "begin":
        work.begin(params["plan"], has_backup=params["has_backup"])
    elif step == "take":
        work.take()
    elif step == "load":
        work.load(params["plan"])
    elif step == "stop":
        work.halt()
    elif step == "switch":
        switch(work, history)
    elif step == "end":
        return work.end()
    elif step == "back":
        work.halt_again()
    else:
        work.discard()
    return []


def switch(work: FarSteps, history: History) -> None:
    """Start the app with its data, and record it."""
    note = work.begun()
    app, action = work.app, "rollback" if note.target else "restore"
    with history.recorded(action, app.current(), note.target or app.current()) as event:
        event["note"] = f"with the database of {note.snapshot}, on {note.server}"
        work.go_on()


def main() -> None:
    """Do one step."""
    module = AnsibleModule(SPEC)
    os.umask(0o022)
    params, name = module.params, module.params["app"]
    progress, history = Progress(name, params["run"]["id"]), History(name, params["run"]["by"])
    tools = Tools(die_with_parent(run_bounded), {}, enter=progress.enter)
    with explain_failures(module, Attempt(f"exchanging the data of the app {name}", lambda: state(App(name)))):
        try:
            app = require(name)
            before = app.current()
            with locked(f"app-{name}"), locked(f"backup-{name}"):
                work = FarSteps(tools, Units(tools, app), Place(app))
                work.kept_name, work.owner = params["kept"], params["owner"]
                is_begun = work.is_begun
                try:
                    kept = take(work, params, history)
                finally:
                    work.note_time()
                is_begun = is_begun or work.is_begun
        except (BackupError, ReleaseError, LockError, OSError) as error:
            module.fail_json(f"{name}: {printable(with_lack(error))}")
        finally:
            progress.end()
        if history.problem:
            module.warn(history.problem)
        result = {"step": params["step"], "before": before, "current": app.current(), "kept": kept}
        module.exit_json(changed=True, phases=tools.phases, is_begun=is_begun, **result)


def state(app: App) -> str:
    """Return the last line of an error."""
    return f"Release {app.current() or '(none)'} is the current one."


if __name__ == "__main__":
    main()
