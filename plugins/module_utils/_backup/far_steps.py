# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a restore or rollback on each host of an app whose database is on another host.

A playbook has all hosts end a step before any of them begins the next one, and has the host of the database make,
exchange and drop the copy (far_database). One of the app's hosts has the backup or the snapshot, and loads it over the
network as the app's own role. The journal of each host is on the disk before anything changes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app import interrupted_restore, lost_python
from ansible_collections.gatehouse.django.plugins.module_utils._app.in_service import clean_up_interrupted_run
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup import choice, databases, journal, room
from ansible_collections.gatehouse.django.plugins.module_utils._backup.far_plan import aliases, recent
from ansible_collections.gatehouse.django.plugins.module_utils._backup.migration_snapshots import found
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._backup.staging import Staging
from ansible_collections.gatehouse.django.plugins.module_utils._backup.way_back import (
    SnapshotStaging,
    WayBack,
    check,
    forget_newer,
    settings_of,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.hba import RESTORED


class FarSteps(WayBack):
    """The caller holds the locks of the app and of its backup.

    *plan* is that of the host with the backup (far_plan). The journal names the run by the name *kept_name* of the
    database of before and by its *owner*. Without that journal, the steps that go on fail, and the others do nothing.
    """

    kept_name = ""
    owner = ""

    def begin(self, plan: Mapping[str, Any], *, has_backup: bool) -> None:
        """Write the journal, which keeps deployments away."""
        interrupted_restore.check_none(self.app.name)
        served, target = self.app.current(), ""
        if not served:
            raise BackupError("The host serves no release of the app. Nothing was changed.")
        if has_backup and served != plan["served"]:
            raise BackupError(f"Another run put {served} into service meanwhile. Nothing was changed; run it again.")
        if plan["target"]:
            target = release_like(
                self.app, plan["target"], plan.get("configuration", ""), is_served=plan["target"] == plan["served"]
            )
            lost_python.check(self.app, target)
            clean_up_interrupted_run(self.tools, self.units, self.app.record(target)["units"])
        note = journal.Journal(plan["snapshot"], plan["release"], plan["stage"], served=served if target else "")
        note.target, note.server, note.kept, note.has_backup = target, plan["server"], plan["kept"], has_backup
        note.owner, note.was_healthy = plan["owner"], self._is_healthy()
        files.make_directory(self.place.home, 0o700)
        note.write(self.place)

    def take(self) -> None:
        """Let this run go on in the place of one that was killed."""
        note = journal.read(self.place)
        if note and note.server and note.kept == self.kept_name:
            if found := recent(self.app):
                raise BackupError(found)
            note.owner = self.owner
            note.write(self.place)

    def load(self, plan: Mapping[str, object]) -> None:
        """Bring the backup beside the live data, and load its databases."""
        note = self.begun()
        staging: Staging = self._snapshot(note) if note.target else self._backup(note, plan)
        load = self._load_with(note.target or self.app.current())
        if not staging.far:
            raise BackupError(f"The settings have no database any more that Gatehouse made on {note.server}.")

        with self.tools.phase("load"):
            staging.load_far(f"{self.app.name}{RESTORED}", load)
            note.renames = staging.renames(note.kept.rpartition("_")[2], load)
        note.moves = staging.moves()
        # A rename can be on the disk before the file that it names.
        self.tools.run(["sync", "--file-system", self.app.home])
        note.write(self.place)

    def halt(self) -> None:
        """Stop the app, also for a boot."""
        note = self.begun()
        note.is_ready, note.is_undone, note.is_switched = True, False, False
        note.write(self.place)
        with self.tools.phase("stop"):
            self.stop()
            if note.moves and note.target:
                chosen = settings_of(self.app, note.target)
                self._settle(chosen, databases.Project(self.app.release(note.target)))
            elif note.moves and note.moves[0].live != ["data"]:
                self._settle(databases.read(self.app)[0])

    def go_on(self) -> None:
        """Exchange what is on this host, and start the release that belongs to the data."""
        note = self.begun()
        with self.tools.phase("exchange"):
            note.exchange(self.app)
        if note.target:
            self._put_into_service(note, was_healthy=note.was_healthy)
        else:
            if note.has_backup:
                self._migrate(note)
            with self.tools.phase("start"):
                self.start()
                if note.was_healthy:
                    self._health().wait()
        note.is_switched = True
        note.write(self.place)

    def end(self) -> list[str]:
        """Forget the journal; return where the data of this host are that were live before."""
        if (note := self._note()) is None:
            return []
        if note.target:
            forget_newer(self.app, note)
        if not note.moves:
            tree.remove_tree(os.path.join(self.app.home, note.stage))
        files.remove(journal.path(self.place))
        return self.kept(note)

    def halt_again(self) -> None:
        """Stop the app, and give the data of before their names back, unless it was not stopped yet."""
        note = self._note()
        if note and note.is_ready:
            self.stop()
            note.is_undone, note.is_switched = True, False
            note.write(self.place)
            note.exchange(self.app, back=True)

    def discard(self) -> None:
        """Start the app with the data and the release of before; its database has its name again."""
        if note := self._note():
            if note.target and note.is_ready:
                self._serve_before(note)
            self._discard(note)

    @property
    def is_begun(self) -> bool:
        """Whether there is the journal of this run."""
        return self._note() is not None

    def note_time(self) -> None:
        """Write down that a step has ended now."""
        if self.is_begun:
            os.utime(journal.path(self.place))

    def _note(self) -> journal.Journal | None:
        note = journal.read(self.place)
        is_own = note and note.server and (note.kept, note.owner) == (self.kept_name, self.owner)
        return note if is_own else None

    def begun(self) -> journal.Journal:
        """Return the journal; raise BackupError unless this host has begun the run, and no other goes on with it."""
        if (note := self._note()) is None:
            raise BackupError(
                "Another run has ended this one meanwhile, or goes on with it. Look at `status` before you "
                "run it again."
            )
        return note

    def _snapshot(self, note: journal.Journal) -> Staging:
        """Copy the databases of the snapshot."""
        snapshot = next((one for one in found(self.app) if one.id == note.snapshot), None)
        if snapshot is None:
            raise BackupError(f"The snapshot {note.snapshot} is gone. Nothing was changed.")
        now, release = settings_of(self.app, note.target), self.app.release(note.target)
        check(self.app, snapshot, note.target, now)
        far = aliases(self.app, now, release)
        staging = SnapshotStaging(self.app, snapshot.manifest, "database", note.stage, now, far)
        staging.check()
        names = [str(one["file"]) for one in snapshot.manifest["databases"]]
        staging.check_room({f"/databases/{name}": (snapshot.path / name).stat().st_size for name in names})
        with self.tools.phase("fetch"):
            staging.copy(snapshot)
        return staging

    def _backup(self, note: journal.Journal, plan: Mapping[str, Any]) -> Staging:
        """Fetch the backup."""
        repository = Repository(self.place)
        manifest = choice.manifest(repository, {"id": plan["id"]}, self.app.name)
        now = databases.read(self.app)[0]
        far = aliases(self.app, now, self.app.release(self.app.current()))
        staging = Staging(self.app, manifest, plan["only"], note.stage, now, far)
        staging.check()
        staging.check_room(room.sizes(repository, plan["id"], staging.parts))
        with self.tools.phase("fetch"):
            staging.fetch(repository, plan["id"])
        return staging


def release_like(app: App, release: str, configuration: str, *, is_served: bool) -> str:
    """Return the release of this host that has the source of the *release* of another one; its Python may differ.

    If there are several, it is one with the *configuration* of that release. With *is_served*, it is the one that is
    served there.
    """
    known = [app.current()] if is_served else app.rollback_targets()
    same = [name for name in known if name.partition("-")[0] == release.partition("-")[0]]
    if release in same:
        return release
    if not same:
        raise ReleaseError(
            f"release: this host {'does not serve' if is_served else 'has no earlier release of'} the source of "
            f"{release}. A rollback of the database needs it on all hosts of the app. Nothing was changed."
        )
    return next((name for name in same if configuration and app.configuration(name) == configuration), same[0])
