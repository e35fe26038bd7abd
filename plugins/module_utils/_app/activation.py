# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts a release into service: proves that it works, switches with one rename, and takes all back where it does not."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.health import Health
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App, active_units
from ansible_collections.gatehouse.django.plugins.module_utils._app.static import carry
from ansible_collections.gatehouse.django.plugins.module_utils._app.store import mark_served, put_aside
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core import files as disk
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LOCK_TIMEOUT_SECONDS

# Connections that wait in the backlog of the old socket would be refused if its processes ended at once.
BACKLOG_DRAIN_SECONDS = 1.0
# How long a run waits for the old release to finish its requests. systemd waits longer.
STOP_WAIT_SECONDS = 2.0
# A process imports the project before it can fail.
PROCESS_START_SECONDS = 5.0


class Switch:
    """The way of one complete release into service."""

    def __init__(self, tools: Tools, units: Units, identifier: str) -> None:
        self.tools, self.units, self.app, self.id = tools, units, units.app, identifier
        self.record = self.app.record(identifier)
        self.files: dict[str, str] = self.record["units"]
        self.service = self.app.unit(identifier, "service")
        self.health = Health(units, identifier, self.record["health"])
        self.before = self.app.current()
        # Not what the host has: that may be what a run that was killed has written.
        self.previous_files = self.app.record(self.before)["units"] if self.app.is_complete(self.before) else {}
        self.was_served = self.app.was_served(identifier)
        self.failing_unit = self.service
        self.began = units.journal_end()

    def run(self) -> None:
        """Do it; raises ReleaseError, with everything as it was, where the release does not work."""
        self.units.check_foreign(self.files)
        try:
            with self.tools.phase("start"):
                self._start()
            with self.tools.phase("health"):
                self.health.wait()
            with self.tools.phase("steady"):
                self.health.watch()
            with self.tools.phase("switch"):
                self._switch()
            with self.tools.phase("processes"):
                self._restart_processes()
        except (ReleaseError, OSError) as error:
            raise ReleaseError(self._failure(str(error))) from error
        with self.tools.phase("drain"):
            self._retire()

    def _start(self) -> None:
        self.units.write(self.files)
        socket = self.app.unit(self.id, "socket")
        # The failures of earlier attempts must not count for this one.
        self.tools.attempt(["systemctl", "reset-failed", socket, self.service])
        self.tools.run(["systemctl", "start", socket, self.service])

    def _switch(self) -> None:
        # Pages that were made until now ask for the static files that go with them.
        served = dict.fromkeys(name for name in (self.before, *self.app.rollback_targets()) if name and name != self.id)
        carry(self.app.release(self.id), map(self.app.release, served))
        mark_served(self.app, self.id)
        disk.point(Path(self.app.link), f"releases/{self.id}")

    def _restart_processes(self) -> None:
        """Stop, then start: no two of a kind ever run at once, which a scheduler would not bear."""
        processes, timers = self.units.processes(self.files), self.units.timers(self.files)
        for unit in [*processes, *timers]:
            self.failing_unit = unit
            self.tools.attempt(["systemctl", "reset-failed", unit])
            self.tools.run(["systemctl", "--quiet", "enable", unit])
            self.tools.run(["systemctl", "restart", unit])
        if processes:
            time.sleep(PROCESS_START_SECONDS)
        for unit in processes:
            self.failing_unit = unit
            if self.units.is_down(unit):
                raise ReleaseError(f"unit {unit} did not keep running.")

    def _retire(self) -> None:
        self.tools.run(["systemctl", "--quiet", "enable", f"{self.app.name}-web.service"])
        self.tools.run(["systemctl", "start", f"{self.app.name}-web.service"])
        self.units.drop(self.units.stale(self.files))
        time.sleep(BACKLOG_DRAIN_SECONDS)
        retire(self.tools, self.app, self.id)

    def _failure(self, reason: str) -> str:
        """Bring back what was, and say what happened: no error of that hides *reason*."""
        journal = self.units.journal(self.failing_unit, self.began)
        kept, problems = "", []
        if self.before != self.id:
            problems = self._roll_back()
            if not self.was_served and self.app.current() != self.id:
                kept = put_aside(self.app, self.id)
        stays = self.record["migrations"]
        return "\n".join(
            [
                f"release {self.id} was built but could not be put into service: {reason}",
                journal,
                *([kept] if kept else []),
                *(f"The rollback failed in part: {problem}" for problem in problems),
                *([f"The migrations that it applied stay applied: {', '.join(stays)}."] if stays else []),
            ]
        )

    def _roll_back(self) -> list[str]:
        """Bring back the release before. Returns what failed of it: an error of one step does not stop the others."""
        switched, problems = self.app.current() == self.id, []
        steps = [self._stop, self._restore_units]
        # The processes of the release before, where it had any.
        steps += [self._restart_previous] if switched else []
        try:
            if switched:
                self._restore_link()
        except OSError as error:
            # It is served as far as it can be, with its own units.
            return [f"{self.app.link} still points to release {self.id}: {error}"]
        for step in steps:
            try:
                step()
            except (ReleaseError, OSError) as error:
                problems.append(str(error))
        return problems

    def _restore_link(self) -> None:
        link = Path(self.app.link)
        if not self.was_served:
            # Where no file can be made any more, this makes room for the link.
            disk.remove(Path(self.app.release(self.id), ".activated"))
        if self.before:
            disk.point(link, f"releases/{self.before}")
        else:
            disk.remove(link)
        time.sleep(BACKLOG_DRAIN_SECONDS)

    def _stop(self) -> None:
        units = [self.app.unit(self.id, "socket"), self.service]
        self.tools.attempt(["systemctl", "stop", *units])
        # systemd remembers a unit that has failed, until it is told not to.
        self.tools.attempt(["systemctl", "reset-failed", *units])

    def _restore_units(self) -> None:
        self.units.write(self.previous_files)
        self.units.drop(self.units.stale(self.previous_files))

    def _restart_previous(self) -> None:
        for unit in [*self.units.processes(self.previous_files), *self.units.timers(self.previous_files)]:
            self.tools.attempt(["systemctl", "restart", unit])


def stray_units(tools: Tools, app: App, current: str) -> list[str]:
    """Units of other releases that run."""
    own = [app.unit(current, "socket"), app.unit(current, "service")]
    return [unit for unit in active_units(tools, app) if unit not in own]


def retire(tools: Tools, app: App, current: str) -> None:
    """Stop the other releases. They may finish their requests, which takes as long as it takes, without us.

    Most are done in a moment, though, and who looks at the site after the run should meet the new release: nginx may
    have open connections to the old one until it ends.
    """
    units = stray_units(tools, app, current)
    if units:
        tools.attempt(["timeout", str(STOP_WAIT_SECONDS), "systemctl", "stop", *units])


def clean_up_interrupted_run(tools: Tools, units: Units, files: Iterable[str]) -> None:
    """Clear away what a run that was killed may have left half done."""
    disk.sweep(Path(path) for path in [*files, units.app.link])
    # It may be in the midst of a migration, and two of those at once are worse than waiting.
    unit = f"{units.app.name}-prepare.service"
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while tools.attempt(["systemctl", "is-active", "--quiet", unit])[0] == 0:
        if time.monotonic() > deadline:
            raise ReleaseError(
                f"Timed out after {LOCK_TIMEOUT_SECONDS:.0f} s waiting for unit {unit} of an earlier run that was "
                f"killed. Let it finish, or stop it: systemctl stop {unit}"
            )
        time.sleep(BACKLOG_DRAIN_SECONDS)


def in_service(units: Units, identifier: str) -> bool:
    """Whether the release is served as its record says: its link, its units, its processes."""
    app = units.app
    if not identifier or app.current() != identifier:
        return False
    files: dict[str, Any] = app.record(identifier)["units"]
    up = [app.unit(identifier, "socket"), app.unit(identifier, "service")]
    kept = [f"{app.name}-web.service", *units.processes(files), *units.timers(files)]
    return (
        units.on_host() == files
        and all(units.show(unit)["ActiveState"] == "active" for unit in [*up, *kept])
        and all(units.show(unit)["UnitFileState"] == "enabled" for unit in kept)
        and all(units.release_of(unit) == identifier for unit in units.processes(files))
    )
