# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put a release into service: start it, check its health, switch with one rename, or roll back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import remedies, sandbox_errors, stop_units
from ansible_collections.gatehouse.django.plugins.module_utils._app.health import Health
from ansible_collections.gatehouse.django.plugins.module_utils._app.in_service import retire
from ansible_collections.gatehouse.django.plugins.module_utils._app.socket_queue import wait_until_empty
from ansible_collections.gatehouse.django.plugins.module_utils._app.static import carry
from ansible_collections.gatehouse.django.plugins.module_utils._app.store import mark_served, put_aside, restore_mark
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core import files as disk
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact, secrets_of

# How long connections may wait that the previous release has not accepted yet. It may hang.
QUEUE_SECONDS = 5.0
# The same for a release that failed.
FAILED_QUEUE_SECONDS = 1.0
# A process imports the project before it can fail.
PROCESS_START_SECONDS = 5.0
FAILED_IMPORT = "ModuleNotFoundError: "
# A first deployment applies all migrations of a project, often a hundred.
NAMED_MIGRATIONS = 10


class Switch:
    """Puts one complete release into service.

    Without *rolls_back*, the caller restores the previous release after a failure. *meanwhile* is called while the
    previous one still finishes its requests.
    """

    def __init__(
        self,
        tools: Tools,
        units: Units,
        identifier: str,
        *,
        rolls_back: bool = True,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        self.rolls_back, self.meanwhile = rolls_back, meanwhile
        self.switched = 0.0  # of time.monotonic()
        self.tools, self.units, self.app, self.id = tools, units, units.app, identifier
        self.record = self.app.record(identifier)
        self.files = self.record["units"]
        self.service = self.app.unit(identifier, "service")
        self.health = Health(units, identifier, self.record["health"])
        self.before = self.app.current()
        # Do not read these from the host: an interrupted run can have written others.
        self.previous_files = self.app.record(self.before)["units"] if self.app.is_complete(self.before) else {}
        self.last_served = self.app.last_served(identifier)
        self.failing_unit = self.service
        self.began = units.journal_end()

    def run(self) -> None:
        """Put the release into service; if it fails, restore the previous release and raise ReleaseError."""
        self.prove()
        self._go()

    def prove(self) -> None:
        """Start the release beside the one that is served, and check its health."""
        self.units.check_foreign(self.files)
        with self._explained():
            self._start_healthy()
            with self.tools.phase("steady"):
                self.health.watch()

    def offer(self) -> None:
        """Prove the release, and have the one that is served carry its static files."""
        self.prove()
        self.offer_static()

    def resume(self) -> None:
        """Put the release into service that an earlier run of the module has proved."""
        with self._explained():
            # The host may have been restarted since.
            self._start_healthy()
        self._go()

    def cancel(self) -> None:
        """Stop the release if it is not served. It stays complete, so the next deployment need not build it."""
        if self.app.current() == self.id:
            return
        with self.tools.phase("cancel"):
            if problems := self._roll_back():
                raise ReleaseError("The rollback failed in part: " + "; ".join(problems))

    def offer_static(self) -> None:
        """Have the served release carry the hashed files of this one.

        Where several hosts serve the app, pages of a host that has switched may request them from this one.
        """
        if self.app.is_complete(self.before) and self.before != self.id:
            carry(self.app.release(self.before), [self.app.release(self.id)])

    def _go(self) -> None:
        with self._explained():
            with self.tools.phase("switch"):
                self._switch()
            with self.tools.phase("processes"):
                self._restart_processes()
        with self.tools.phase("drain"):
            self._start_at_boot()
        try:
            self.meanwhile()
        finally:
            with self.tools.phase("drain"):
                wait_until_empty(self.tools, self.app, self.id, since=self.switched, limit=QUEUE_SECONDS)
                retire(self.tools, self.app, self.id)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (ReleaseError, OSError) as error:
            raise ReleaseError(self._failure(str(error))) from error

    def _start_healthy(self) -> None:
        with self.tools.phase("start"):
            self._start()
        with self.tools.phase("health"):
            self.health.wait()

    def _start(self) -> None:
        self.units.write(self.files)
        socket = self.app.unit(self.id, "socket")
        # Failures of earlier attempts must not count towards the start limit.
        self.tools.attempt(["systemctl", "reset-failed", socket, self.service])
        self.tools.run(["systemctl", "start", socket, self.service])

    def _switch(self) -> None:
        # Open pages of other releases still request their static files.
        served = dict.fromkeys(name for name in (self.before, *self.app.rollback_targets()) if name and name != self.id)
        carry(self.app.release(self.id), map(self.app.release, served))
        mark_served(self.app, self.id)
        disk.point(Path(self.app.link), f"releases/{self.id}")
        self.switched = time.monotonic()

    def _restart_processes(self) -> None:
        """Stop each process before its successor starts: two schedulers at the same time would run jobs twice."""
        if self.units.is_drained:
            # A run that drained the host may have been killed before it stopped them.
            stop_units.stop(self.tools, self.units, self.units.on_host())
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

    def _start_at_boot(self) -> None:
        self.tools.run(["systemctl", "--quiet", "enable", f"{self.app.name}-web.service"])
        self.tools.run(["systemctl", "start", f"{self.app.name}-web.service"])
        self.units.drop(self.units.stale(self.files))

    def _failure(self, reason: str) -> str:
        """Roll back, and return the message of the failure: it begins with *reason*, whatever else fails."""
        # A rollback knows the secrets of the release only from its environment.
        secrets = secrets_of(systemd.environment(f"{self.app.release(self.id)}/env"))
        journal = redact(self.units.journal(self.failing_unit, self.began), secrets)
        remedy = remedies.of_import(journal, "of the release") if FAILED_IMPORT in journal else ""
        hints = "\n".join(filter(None, [sandbox_errors.explain(journal, self.app), remedy]))
        place, problems = "", []
        if self.before != self.id and self.rolls_back:
            problems = self._roll_back()
            if not self.last_served and self.app.current() != self.id:
                place = put_aside(self.app, self.id)
        # The caller takes them back.
        applied = self.record["migrations"] if self.rolls_back else []
        return "\n".join(
            [
                f"release {self.id} was built but could not be put into service: {reason}",
                *(text for text in (journal, hints, place) if text),
                *(f"The rollback failed in part: {problem}" for problem in problems),
                *([kept_migrations(applied)] if applied else []),
            ]
        )

    def _roll_back(self) -> list[str]:
        """Restore the previous release. Try each step, and return the errors."""
        switched, problems = self.app.current() == self.id, []
        steps = [self._stop, self._restore_units]
        # Restart the processes of the previous release, if it has any.
        steps += [self._restart_previous] if switched else []
        try:
            if switched:
                self._restore_link()
        except OSError as error:
            # The link still points to this release, so keep its units running.
            return [f"{self.app.link} still points to release {self.id}: {error}"]
        for step in steps:
            try:
                step()
            except (ReleaseError, OSError) as error:
                problems.append(str(error))
        return problems

    def _restore_link(self) -> None:
        link = Path(self.app.link)
        if not self.last_served:
            # On a full file system, this frees the space for the link.
            disk.remove(Path(self.app.release(self.id), ".activated"))
        if self.before:
            disk.point(link, f"releases/{self.before}")
        else:
            disk.remove(link)
        if self.last_served:
            restore_mark(self.app, self.id, self.last_served)
        wait_until_empty(self.tools, self.app, self.before, since=time.monotonic(), limit=FAILED_QUEUE_SECONDS)

    def _stop(self) -> None:
        units = [self.app.unit(self.id, "socket"), self.service]
        self.tools.attempt(["systemctl", "stop", *units])
        # systemd keeps a failed unit until it is reset.
        self.tools.attempt(["systemctl", "reset-failed", *units])

    def _restore_units(self) -> None:
        self.units.write(self.previous_files)
        self.units.drop(self.units.stale(self.previous_files))

    def _restart_previous(self) -> None:
        for unit in [*self.units.processes(self.previous_files), *self.units.timers(self.previous_files)]:
            self.tools.attempt(["systemctl", "restart", unit])


def kept_migrations(applied: Sequence[str]) -> str:
    """Return the sentence about migrations that stay: their names, or their apps if there are many."""
    if len(applied) <= NAMED_MIGRATIONS:
        return f"The migrations that it applied stay applied: {', '.join(applied)}."
    apps = dict.fromkeys(name.partition(".")[0] for name in applied)
    return f"The {len(applied)} migrations that it applied stay applied. They are of the apps {', '.join(apps)}."
