# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Go back over migrations: the databases of a snapshot and the release that knew them become live together.

As in a restore, the snapshot is brought beside the live databases while the app is served. Then nothing of the app runs
until the databases are exchanged: the newer code never sees the older data, nor the other way round. Not even after a
reboot: the units are disabled meanwhile.
"""

from __future__ import annotations

import os
import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.activation import Switch
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import BEFORE_ROLLBACK, App
from ansible_collections.gatehouse.django.plugins.module_utils._app.store import mark_served
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup import (
    databases,
    journal,
)
from ansible_collections.gatehouse.django.plugins.module_utils._backup.before_migration import written
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Writes
from ansible_collections.gatehouse.django.plugins.module_utils._backup.migration_snapshots import Snapshot, found
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._backup.restore import Restore
from ansible_collections.gatehouse.django.plugins.module_utils._backup.staging import Load, Staging
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless


class SnapshotStaging(Staging):
    """Takes the databases from a snapshot on this host instead of a backup."""

    def copy(self, snapshot: Snapshot) -> None:
        """Copy the dumps into the stage: the snapshot itself stays."""
        directory = Path(self.directory, "databases")
        directory.parent.mkdir(0o700)
        directory.mkdir(0o700)
        for one in snapshot.manifest["databases"]:
            shutil.copyfile(snapshot.path / one["file"], directory / one["file"])


class WayBack(Restore):
    """Takes the databases of the app back. The caller holds the locks of the app and of its backup."""

    def go(self, snapshot: Snapshot, target: str) -> list[str]:
        """Put the release *target* into service with the databases of the *snapshot*; return where the others are."""
        when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        now = settings_of(self.app, target)
        staging = SnapshotStaging(self.app, snapshot.manifest, "database", f"{BEFORE_ROLLBACK}{when}", now)
        check(self.app, snapshot, target, now)
        staging.check()
        names = [str(one["file"]) for one in snapshot.manifest["databases"]]
        staging.check_room({f"/databases/{name}": (snapshot.path / name).stat().st_size for name in names})
        note = journal.Journal(snapshot.id, target, staging.stage, served=self.app.current(), target=target)
        files.make_directory(self.place.home, 0o700)
        note.write(self.place)
        try:
            with self.tools.phase("load"):
                staging.copy(snapshot)
                note.renames = staging.renames(when.lower(), self._load_with(target))
            note.moves = staging.moves()
            # A rename can be on the disk before the file that it names.
            self.tools.run(["sync", "--file-system", self.app.home])
            note.write(self.place)
            was_healthy = self._is_healthy()
            with self.tools.phase("stop"):
                self.stop()
                chosen = {one["alias"] for one in snapshot.manifest["databases"]}
                self._settle([one for one in now if one.alias in chosen], databases.Project(self.app.release(target)))
            note.is_ready = True
            note.write(self.place)
        except BaseException:
            self._discard(note)
            raise
        self._finish(note, was_healthy)
        return self.kept(note)

    def kept(self, note: journal.Journal) -> list[str]:
        """Where the databases are that were live before, with the command that removes each."""
        path = os.path.join(self.app.home, note.stage)
        names = [(harmless(one.kept), shlex.quote(harmless(one.kept))) for one in note.renames]
        kept = [f"database {name} (remove it: runuser -u postgres -- dropdb {word})" for name, word in names]
        if note.server and note.has_backup:
            kept.append(
                f"database {note.kept} on {note.server} (remove it there: runuser -u postgres -- dropdb {note.kept})"
            )
        return [*kept, *([f"{path} (remove it: rm -r {path})"] if note.moves else [])]

    def stop(self) -> None:
        """Stop the app, also for a boot."""
        self.tools.attempt(["systemctl", "--quiet", "disable", *self._enabled()])
        super().stop()

    def start(self) -> None:
        """Start the app, also at boots."""
        self.tools.run(["systemctl", "--quiet", "enable", *self._enabled()])
        super().start()

    def _enabled(self) -> list[str]:
        own = self.units.on_host()
        return [f"{self.app.name}-web.service", *self.units.processes(own), *self.units.timers(own)]

    def _finish(self, note: journal.Journal, was_healthy: bool) -> None:
        """Exchange, and put the target into service. If that fails, what was live before becomes live again."""
        if note.is_undone:
            self._undo(note)
            return
        self._exchange(note)
        try:
            self._put_into_service(note, was_healthy=was_healthy)
        except (ReleaseError, OSError) as error:
            self._undo(note)
            raise BackupError(f"{error}\nThe release and the databases of before are live again.") from error
        forget_newer(self.app, note)
        if not note.moves:
            tree.remove_tree(os.path.join(self.app.home, note.stage))
        files.remove(journal.path(self.place))

    def _put_into_service(self, note: journal.Journal, *, was_healthy: bool) -> None:
        if note.target == note.served:
            with self.tools.phase("start"):
                self.start()
                if was_healthy:
                    self._health().wait()
            mark_served(self.app, note.target)
        else:
            # A failure undoes both at once: the other release must not start with these databases.
            Switch(self.tools, self.units, note.target, rolls_back=False).run()

    def _undo(self, note: journal.Journal) -> None:
        self.stop()
        note.is_undone = True
        note.write(self.place)
        note.exchange(self.app, back=True)
        self._serve_before(note)
        self._discard(note)

    def _serve_before(self, note: journal.Journal) -> None:
        files.point(Path(self.app.link), f"releases/{note.served}")
        # The target may have been served meanwhile: the next rollback must not take it for the release before.
        mark_served(self.app, note.served)
        recorded = self.app.record(note.served)["units"]
        self.units.write(recorded)
        self.units.drop(self.units.stale(recorded))

    def _load_with(self, target: str) -> Load:
        project = databases.Project(self.app.release(target))

        def load(database: databases.Database, name: str, file: str) -> Mapping[str, object]:
            return databases.run(self.app, ["load", database.alias, name], databases.LOAD, [file], project)

        return load


def settings_of(app: App, release: str) -> list[databases.Database]:
    """The databases that the settings of the *release* name."""
    project = databases.Project(app.release(release))
    return databases.parse(databases.run(app, ["report"], databases.NOTHING, project=project))[0]


def written_since(app: App, snapshot: Snapshot, target: str) -> dict[str, Writes]:
    """Return the counters of the databases of the *snapshot* now, as the *target* sees them; it must use the same."""
    check(app, snapshot, target, settings_of(app, target))
    return written(app, databases.Project(app.release(target)), snapshot.aliases)


def check(app: App, snapshot: Snapshot, target: str, now: Sequence[databases.Database]) -> None:
    """Raise BackupError unless the *target* uses the very databases that are in the *snapshot*."""
    by_alias = {one.alias: one for one in now}
    for one in snapshot.manifest["databases"]:
        given = by_alias.get(one["alias"])
        if given is None or (given.vendor, given.name, given.host) != (one["vendor"], one["name"], one["host"]):
            raise BackupError(
                f"Release {target} uses another database as DATABASES['{one['alias']}'] than the one in the snapshot "
                f"of {snapshot.moment}. A rollback without restore_database returns to it. Nothing was changed."
            )


def forget_newer(app: App, note: journal.Journal) -> None:
    """Mark the snapshot as used, and have the releases built anew whose migrations the databases lack now.

    A deployment of a release that is complete would not migrate.
    """
    used = [one for one in found(app) if one.id == note.snapshot]
    applied = [name for one in used for name in one.manifest["applied"]]
    known = {*app.record(note.target)["known_migrations"], *applied}
    for name in os.listdir(app.releases):
        if name != note.target and app.is_complete(name) and not known >= {*app.record(name)["known_migrations"]}:
            files.remove(Path(app.release(name), ".complete"))
    for one in used:
        one.note(restored=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
