# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which release of an app runs, and the ends of the others: old releases, and what a killed run has left."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import stop_units
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App, active_units
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core import files as disk
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LOCK_TIMEOUT_SECONDS

# How long a run waits for the old release to finish its requests. systemd waits longer.
STOP_WAIT_SECONDS = 2.0
PREPARE_POLL_SECONDS = 1.0


def stray_units(tools: Tools, app: App, current: str) -> list[str]:
    """Return the running units of other releases."""
    own = [app.unit(current, "socket"), app.unit(current, "service")]
    return [unit for unit in active_units(tools, app) if unit not in own]


def retire(tools: Tools, app: App, current: str) -> None:
    """Stop the other releases. They finish their requests, and systemd waits for them after this run has ended.

    Most finish at once, so wait a moment: nginx can keep connections to the old release open until it stops, and after
    the run a request should reach the new release.
    """
    units = stray_units(tools, app, current)
    if units:
        tools.attempt(["timeout", str(STOP_WAIT_SECONDS), "systemctl", "stop", *units])


def clean_up_interrupted_run(tools: Tools, units: Units, files: Iterable[str]) -> None:
    """Clean up after a run that was killed."""
    disk.sweep(Path(path) for path in [*files, units.app.link])
    # It may be running a migration, and two migrations at the same time can damage the database.
    unit = f"{units.app.name}-prepare.service"
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while tools.attempt(["systemctl", "is-active", "--quiet", unit])[0] == 0:
        if time.monotonic() > deadline:
            raise ReleaseError(
                f"Timed out after {LOCK_TIMEOUT_SECONDS:.0f} s waiting for unit {unit} of an earlier run that was "
                f"killed. Let it finish, or stop it: systemctl stop {unit}"
            )
        time.sleep(PREPARE_POLL_SECONDS)


def in_service(units: Units, identifier: str) -> bool:
    """Return whether the release is served with its link, units and processes as recorded."""
    app = units.app
    if not identifier or app.current() != identifier:
        return False
    files = app.record(identifier)["units"]
    up = [app.unit(identifier, "socket"), app.unit(identifier, "service")]
    enabled = [f"{app.name}-web.service", *units.processes(files), *units.timers(files)]
    return (
        units.on_host() == files
        and all(units.show(unit)["ActiveState"] == "active" for unit in [*up, *enabled])
        and all(units.show(unit)["UnitFileState"] == "enabled" for unit in enabled)
        and all(units.release_of(unit) == identifier for unit in units.processes(files))
        and not (units.is_drained and stop_units.running(units, files))
    )
