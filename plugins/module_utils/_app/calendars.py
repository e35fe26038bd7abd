# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the calendar expressions of timers with systemd."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools


def check(tools: Tools, calendars: Mapping[str, str]) -> None:
    """Raise ReleaseError for an expression of *calendars* (by timer) that systemd cannot parse (systemd.time(7))."""
    for name, expression in calendars.items():
        code, _out, err = tools.attempt(["systemd-analyze", "calendar", expression])
        if code != 0:
            raise ReleaseError(
                f"timers[{name}]: systemd cannot parse on_calendar '{expression}': {err.strip()}\n"
                "Use an expression like 'daily' or 'Mon..Fri 06:30'; `systemd-analyze calendar` explains one. "
                "Nothing was changed."
            )
