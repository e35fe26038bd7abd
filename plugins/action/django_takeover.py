# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of django_takeover: the sites go the way of nginx_config's."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.action.nginx_config import ActionModule as NginxConfig
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.watch import operator
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain
from ansible_collections.gatehouse.django.plugins.plugin_utils._killed import OF_TAKEOVER, explain_kill

OWN = ("app", "state", "confirm", "media_group", "migrate_databases")


class ActionModule(NginxConfig):
    """Refuse wrong options before any connection to the host, and render the app's sites."""

    STATE = OF_TAKEOVER

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check, let the host look at what serves the sites now, render, and run the module."""
        ActionBase.run(self, tmp, task_vars)
        args = plain(self._task.args)
        own = {name: args.pop(name) for name in OWN if name in args}
        if own.get("confirm") != own.get("app"):
            raise AnsibleActionFail(
                f"confirm: '{own.get('confirm') or ''}' is not the app '{own.get('app')}'. A takeover replaces the "
                f"data of the app with that of the hand-made site. Confirm it with -e confirm={own.get('app')}. "
                "Nothing was changed."
            )
        params = self._checked(args)
        names = sorted({name for site in params["sites"] for name in [*site["server_name"], *site["redirect_from"]]})
        if not names:
            raise AnsibleActionFail(
                f"sites: django_sites has no site with app: {own.get('app')}. Write one with the names that the "
                "hand-made site has. Nothing was changed."
            )
        own |= {"names": names, "site_names": [site["name"] for site in params["sites"]]}
        if own.get("state") != "switched":
            return explain_kill(self._execute_module(module_args=own, task_vars=task_vars), OF_TAKEOVER)
        return self._publish(params, task_vars, run={"by": operator()}, **own)
