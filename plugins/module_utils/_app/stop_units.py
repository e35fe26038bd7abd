# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stop the processes and timers of an app on a drained host, whatever a run that was killed has left."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._app import runs_once
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Files, Units

UP = ("active", "activating", "reloading", "deactivating")


def stop(tools: Tools, units: Units, files: Files) -> None:
    """Stop all of them, and have no boot start them. Jobs that run go on, except those with `run_on: one`."""
    # A run that was killed may have removed the mark, and stopped nothing.
    if units.runs_once or units.once(files):
        runs_once.give_up(tools, units)
    names = [*files_of_timers(files), *units.services(files)]
    if names:
        tools.run(["systemctl", "stop", *names])
    for name in names:
        tools.run(["systemctl", "--quiet", "disable", name])


def running(units: Units, files: Files) -> list[str]:
    """Return those that run."""
    names = [*files_of_timers(files), *units.services(files)]
    return [name for name in names if units.show(name)["ActiveState"] in UP]


def files_of_timers(files: Files) -> list[str]:
    """Return the names of the timers among *files*."""
    names = [path.rpartition("/")[2] for path in files]
    return sorted(name for name in names if name.endswith(".timer"))
