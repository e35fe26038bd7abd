# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide on which of several hosts the processes and timers run that have `run_on: one`."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core import files


def take(tools: Tools, units: Units) -> None:
    """Start them on this host, and have them start at its boot."""
    Path(units.app.runs_once).touch(0o644)
    for unit in units.once(units.on_host()):
        tools.attempt(["systemctl", "reset-failed", unit])
        tools.run(["systemctl", "--quiet", "enable", unit])
        tools.run(["systemctl", "start", unit])


def give_up(tools: Tools, units: Units) -> None:
    """Stop them on this host: when this returns, none runs."""
    found = units.once(units.on_host())
    # Timers first, so that they do not start a job; then the jobs that run.
    timers = [name for name in found if name.endswith(".timer")]
    services = [name for name in found if not name.endswith(".timer")]
    jobs = [f"{name.removesuffix('.timer')}.service" for name in timers]
    files.remove(Path(units.app.runs_once))
    for names in (timers, [*services, *jobs]):
        if names:
            tools.run(["systemctl", "stop", *names])
    for name in found:
        tools.attempt(["systemctl", "--quiet", "disable", name])
