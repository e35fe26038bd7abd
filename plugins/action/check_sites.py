# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check sites on the controller as nginx_config does, without a connection to the host."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.action.nginx_config import ActionModule as NginxConfig
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.listen import all_addresses

UNCHANGED = "Nothing was changed."


class ActionModule(NginxConfig):
    """Refuses what nginx_config would refuse before it connects."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the options, and read the files of the controller that the sites name."""
        ActionBase.run(self, tmp, task_vars)
        if set(self._task.args) != {"sites"}:
            raise AnsibleActionFail("check_sites has one option: sites, as nginx_config has it.")
        try:
            sites = self._checked(plain(self._task.args))["sites"]
            self._certificates(sites)
            self._pages(sites)
        except AnsibleActionFail as error:
            message = str(error)
            if UNCHANGED not in message:
                message = f"{message}{'' if message.endswith(('.', '?')) else '.'} {UNCHANGED}"
            raise AnsibleActionFail(message) from None
        return {"changed": False, "listen": all_addresses(sites)}
