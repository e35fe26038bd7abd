# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller half of django_exchange: display the phases, and say for the history who exchanges the data."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.watch import Watch
from ansible_collections.gatehouse.django.plugins.plugin_utils._killed import OF_APP, explain_kill


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module and displays what it does."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module with the identity of this run."""
        super().run(tmp, task_vars)
        args = dict(self._task.args)
        if args.get("run") is not None:
            return {"failed": True, "msg": "run is set by the action plugin: remove it. Nothing was changed."}
        host = str((task_vars or {}).get("inventory_hostname", "the host"))
        watch = Watch(self._connection, str(args.get("app")), host)
        with watch.step(str(args.get("step"))):
            done = self._execute_module(module_args={**args, "run": watch.run}, task_vars=task_vars)
        return explain_kill(done, OF_APP)
