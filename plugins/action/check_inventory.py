# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluate expressions of a playbook on the controller, and refuse with the message of the filter that fails.

Ansible puts words of its own before it, such as "A 'when' expression failed".
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError, AnsibleFilterError
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain

UNCHANGED = "Nothing was changed."


class ActionModule(ActionBase):  # type: ignore[misc]
    """Refuses an inventory with which the filters of the playbook fail."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Evaluate each expression."""
        super().run(tmp, task_vars)
        expressions = plain(self._task.args).get("expressions")
        if set(self._task.args) != {"expressions"} or not isinstance(expressions, list):
            raise AnsibleActionFail("check_inventory has one option: expressions, which is a list.")
        for expression in expressions:
            try:
                # Its length alone, because the values may have variables that this host does not know.
                self._templar.template(self._trusted(f"{{{{ ({expression}) | length }}}}"))
            except AnsibleError as error:
                return {"failed": True, "msg": message_of(error)}
        return {"changed": False}

    def _trusted(self, text: str) -> str:
        """Return *text* as a template. It is that of the playbook, which ansible-core 2.19 and newer must be told."""
        try:
            from ansible.template import trust_as_template
        except ImportError:
            return text
        trusted: str = trust_as_template(text)
        return trusted


def message_of(error: BaseException) -> str:
    """Return the message of the filter that has led to *error*, and that nothing was changed."""
    found: BaseException = error
    cause: BaseException | None = error
    # ansible-core 2.18 names no cause, and Python the exception that was handled then.
    while cause is not None:
        if isinstance(cause, AnsibleFilterError):
            found = cause
        cause = getattr(cause, "orig_exc", None) or cause.__cause__ or cause.__context__
    message = str(found)
    if "othing was changed" in message:
        return message
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} {UNCHANGED}"
