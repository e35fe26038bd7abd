# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore a backup: bring it beside the live data, stop the app, exchange the two, and start the app again."""

from __future__ import annotations

import os
import pwd
import shlex
import time
from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import management
from ansible_collections.gatehouse.django.plugins.module_utils._app.health import Health
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import BEFORE_RESTORE, active_units
from ansible_collections.gatehouse.django.plugins.module_utils._app.removal import end_processes
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._backup import databases, journal, postgresql, room
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Manifest
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._backup.staging import Staging
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless


class Restore:
    """Restores backups of the app of *units*. The caller holds the locks of the app and of its backup."""

    def __init__(self, tools: Tools, units: Units, place: Place) -> None:
        self.tools, self.units, self.app, self.place = tools, units, units.app, place

    def run(self, repository: Repository, snapshot: str, manifest: Manifest, only: str) -> journal.Journal:
        """Restore; return what was done."""
        when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        now, _versions, _left_out = databases.read(self.app)
        staging = Staging(self.app, manifest, only, f"{BEFORE_RESTORE}{when}", now)
        staging.check()
        staging.check_room(room.sizes(repository, snapshot, staging.parts))
        note = journal.Journal(snapshot[:8], str(manifest["release"]), staging.stage)
        note.write(self.place)
        try:
            with self.tools.phase("fetch"):
                staging.fetch(repository, snapshot)
            with self.tools.phase("load"):
                note.renames = staging.renames(when.lower(), self._load)
            note.moves = staging.moves()
            note.write(self.place)
            was_healthy = self._is_healthy()
            with self.tools.phase("stop"):
                self.stop()
            if only != "all":
                self._settle(now)
            if only == "files":
                staging.keep_live_databases()
            note.is_ready = True
            note.write(self.place)
        except BaseException:
            self._discard(note)
            raise
        self._finish(note, was_healthy)
        if only == "files":
            self._forget_links(note, now)
        return note

    def kept(self, note: journal.Journal) -> list[str]:
        """Where the data are that were live before."""
        kept = [f"database {one.kept}" for one in note.renames]
        return [*kept, *([os.path.join(self.app.home, note.stage)] if note.moves else [])]

    def removal(self, note: journal.Journal) -> list[str]:
        """The commands of root that remove what `kept` names."""
        names = [shlex.quote(harmless(one.kept)) for one in note.renames]
        drops = [f"runuser -u postgres -- dropdb {name}" for name in names]
        return [*drops, *([f"rm -r {os.path.join(self.app.home, note.stage)}"] if note.moves else [])]

    def recover(self) -> journal.Journal | None:
        """Finish a restore that was interrupted while it exchanged, and return it; forget one that was not so far."""
        note = journal.read(self.place)
        if note is None:
            return None
        if note.is_ready and (note.is_undone or note.is_begun(self.app)):
            self.stop()
            self._finish(note, was_healthy=False)
            return None if note.is_undone else note
        self._discard(note)
        return None

    def stop(self) -> None:
        """Stop all that can write the data: timers first, so that they start nothing, then all processes of the app."""
        names = self._unit_names()
        timers = [name for name in names if name.endswith(".timer")]
        others = [name for name in names if name not in timers]
        for chosen in (timers, [*others, *active_units(self.tools, self.app)]):
            if chosen:
                self.tools.run(["systemctl", "stop", *chosen])
        end_processes(pwd.getpwnam(self.app.name).pw_uid)

    def start(self) -> None:
        """Start what a boot would start."""
        files_on_host = self.units.on_host()
        names = [
            f"{self.app.name}-web.service",
            *self.units.processes(files_on_host),
            *self.units.timers(files_on_host),
        ]
        service, socket = (self.app.unit(self.app.current(), kind) for kind in ("service", "socket"))
        # Each by its name: the units of an app `shop-two` match the pattern `shop-*`, too.
        self.tools.attempt(["systemctl", "reset-failed", *names, socket, service])
        self.tools.run(["systemctl", "start", *names])
        # The unit of the web starts it without waiting, and a service that waits looks like one that has ended.
        self.tools.run(["systemctl", "start", service])

    def _finish(self, note: journal.Journal, was_healthy: bool) -> None:
        """Exchange, migrate and start. If the app then fails, although it worked before, the data before come back."""
        if not note.is_undone:
            self._exchange(note)
            try:
                self._migrate(note)
                with self.tools.phase("start"):
                    self.start()
                    if was_healthy:
                        self._health().wait()
            except ReleaseError as error:
                self.stop()
                note.is_undone = True
                note.write(self.place)
                note.exchange(self.app, back=True)
                self._discard(note)
                raise BackupError(f"{error}\nThe data of before the restore are live again.") from error
        else:
            note.exchange(self.app, back=True)
            self._discard(note)
            return
        if not note.moves:
            # Nothing of the files was exchanged: only the dump was there.
            tree.remove_tree(os.path.join(self.app.home, note.stage))
        files.remove(journal.path(self.place))

    def _exchange(self, note: journal.Journal) -> None:
        """Exchange all of it. If that fails at the first step, the app starts with the data of before."""
        try:
            with self.tools.phase("exchange"):
                note.exchange(self.app)
        except (BackupError, OSError) as error:
            if note.is_begun(self.app):
                raise BackupError(
                    f"{error}\nA part of the data is exchanged, and the app is stopped. Run the same command again: it "
                    "finishes the exchange."
                ) from error
            self._discard(note)
            raise BackupError(f"{error}\nNothing was exchanged: the data of before are live.") from error

    def _migrate(self, note: journal.Journal) -> None:
        """A backup of another release may lack migrations of the one that is served."""
        if note.release == self.app.current():
            return
        with self.tools.phase("migrate"):
            code, out, err = management.run(run_bounded, self.app, ["migrate", "--noinput"], {})
            if code:
                raise ReleaseError(f"migrate failed ({code}):\n{tail(err or out)}")

    def _settle(self, now: Sequence[databases.Database], project: databases.Project | None = None) -> None:
        for one in now:
            if one.vendor == "sqlite":
                databases.run(self.app, ["settle", one.alias], databases.NOTHING, project=project)
                for end in ("-wal", "-journal"):
                    if os.path.lexists(f"{one.path}{end}") and os.lstat(f"{one.path}{end}").st_size:
                        raise BackupError(f"DATABASES['{one.alias}'] is in use: '{one.path}{end}' is not empty.")

    def _forget_links(self, note: journal.Journal, now: Sequence[databases.Database]) -> None:
        """The databases stay live: remove their second names from the files that are kept."""
        for one in now:
            relative = one.below(self.app.data)
            if one.vendor == "sqlite" and relative:
                *above, name = relative.split(os.sep)
                with tree.opened(self.app.home, note.stage, "data", *above) as directory:
                    for end in ("", "-wal", "-shm", "-journal"):
                        if f"{name}{end}" in os.listdir(directory):
                            os.unlink(f"{name}{end}", dir_fd=directory)

    def _discard(self, note: journal.Journal) -> None:
        """Remove what was restored and is not live, and start the app."""
        for one in note.renames:
            if not one.is_done(self.app):
                postgresql.drop(one.restored)
        tree.remove_tree(os.path.join(self.app.home, note.stage))
        self.start()
        files.remove(journal.path(self.place))

    def _load(self, database: databases.Database, name: str, file: str) -> Mapping[str, object]:
        return databases.run(self.app, ["load", database.alias, name], databases.LOAD, [file])

    def _unit_names(self) -> list[str]:
        found = [os.path.basename(path) for path in self.units.on_host()]
        return [name for name in found if name.endswith((".service", ".timer")) and "@" not in name]

    def _health(self) -> Health:
        current = self.app.current()
        return Health(self.units, current, self.app.record(current)["health"])

    def _is_healthy(self) -> bool:
        health = self._health()
        return health.is_good(health.answer(health.answer_seconds)[0])
