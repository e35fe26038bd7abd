# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print lines as they are: debug prints a list as JSON, with quotes, commas and escapes, unless it is configured."""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

# Callbacks that print text for a person. Others print JSON, or the result as a whole.
FOR_PEOPLE = ("default", "ansible.builtin.default")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Prints the lines on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Print the lines, and return them as `msg`."""
        super().run(tmp, task_vars)
        lines = self._task.args.get("lines")
        if set(self._task.args) != {"lines"} or not isinstance(lines, list):
            raise AnsibleActionFail("show_lines has one option: lines, which is a list.")
        shown = [harmless(str(line), keep="\t") for line in lines]
        if constants.DEFAULT_STDOUT_CALLBACK in FOR_PEOPLE:
            Display().display("\n".join(shown))
            return {"changed": False, "msg": shown}
        # As debug does, so that the callback displays the result.
        return {"changed": False, "msg": shown, "_ansible_verbose_always": True}
