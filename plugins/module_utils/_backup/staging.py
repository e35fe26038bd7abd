# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring a backup onto the host beside the live data, as complete as it will be live."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import databases, postgresql, room
from ansible_collections.gatehouse.django.plugins.module_utils._backup.journal import Move, Rename
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Stored, StoredDatabase
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

DATABASE_MODE = 0o640
ENDS = ("", "-wal", "-shm", "-journal")
# Loads a dump, by its path, into the database of a name.
Load = Callable[[databases.Database, str, str], Mapping[str, object]]


class Staging:
    """The backup of a *manifest* in the directory *stage* below the app's home, which only root can enter."""

    def __init__(
        self,
        app: App,
        manifest: Stored,
        only: str,
        stage: str,
        now: Sequence[databases.Database],
        far: Collection[str] = (),
    ) -> None:
        """*far* are the aliases of the database whose host makes the copy and exchanges it (far_database)."""
        self.app, self.manifest, self.stage, self.far = app, manifest, stage, far
        self.has_files, self.has_databases = only != "database", only != "files"
        self.now = {one.alias: one for one in now}
        self.directory = os.path.join(app.home, stage)

    def check(self) -> None:
        """Raise BackupError for what the app's settings and the backup do not agree on."""
        for one in self.manifest["databases"] if self.has_databases else ():
            alias, now = str(one["alias"]), self.now.get(str(one["alias"]))
            if not databases.ALIAS.fullmatch(alias):
                raise BackupError(f"The backup has a database '{harmless(alias)[:80]}'. Nothing was changed.")
            if now is None or now.vendor != one["vendor"]:
                has = now.vendor if now else "no database"
                raise BackupError(
                    f"DATABASES['{alias}'] is {one['vendor']} in the backup, and the served release has {has}. "
                    "Deploy the app with the same databases first, or restore the files only: -e only=files. "
                    "Nothing was changed."
                )
            if one["vendor"] == "sqlite" and not now.below(self.app.data):
                raise BackupError(
                    f"DATABASES['{alias}'] is '{harmless(now.path)}', which is not below {self.app.data}: restore it "
                    "by hand (docs/backup.md). Nothing was changed."
                )
            if one["vendor"] == "postgresql" and alias not in self.far:
                self._check_postgresql(now)
        for where in [self.app.data] if self.has_files else []:
            if os.path.ismount(where):
                raise BackupError(
                    f"{where} is a mount point, which cannot be moved aside: restore it by hand (docs/backup.md). "
                    "Nothing was changed."
                )

    def _check_postgresql(self, now: databases.Database) -> None:
        shown = harmless(now.name)
        if not postgresql.is_local(now.host):
            raise BackupError(
                f"DATABASES['{now.alias}'] is on {harmless(now.host)}, and Gatehouse did not make it there ('database' "
                "with 'host'). Restore it by hand (docs/backup.md), the files with -e only=files. Nothing was changed."
            )
        role = postgresql.owner(now.name)
        if role != self.app.name:
            raise BackupError(
                f"The database '{shown}' belongs to role '{harmless(role)}', not to '{self.app.name}': an app could "
                "name the database of another one. Restore it by hand (docs/backup.md). Nothing was changed."
            )

    @property
    def parts(self) -> list[str]:
        """What of the snapshot is restored."""
        return [*(["/data"] if self.has_files else []), *(["/databases"] if self.has_databases else [])]

    def check_room(self, sizes: Mapping[str, int]) -> None:
        """Raise BackupError if the host lacks the room beside the live data for what has these *sizes* (room.check)."""
        found = [(one, self.now[one["alias"]]) for one in self.manifest["databases"]] if self.has_databases else []
        room.check(
            self.app.home,
            {
                f"/databases/{one['file']}": now.name
                for one, now in found
                if now.vendor == "postgresql" and now.alias not in self.far
            },
            sizes,
        )

    def fetch(self, repository: Repository, snapshot: str, more: Sequence[str] = ()) -> None:
        """Restore the snapshot into the stage, and give its files to the app; *more* are other parts, like `/x`."""
        os.mkdir(self.directory, 0o700)
        words = [word for part in [*self.parts, *more] for word in ("--include", part)]
        repository.restore(snapshot, "--target", self.directory, *words)
        if self.has_files:
            self._give(os.path.join(self.directory, "data"))

    def _give(self, top: str) -> None:
        """Give the tree to the app: the backup may be of a host with other numbers. chown(2) ends setuid and setgid."""
        user, group = accounts.ids_of(self.app.name)
        with tree.opened(self.app.home, "data") as data:
            media = _group_of("media", data, group)
        groups = {self.manifest["media_group"]: media} if media != group else {}
        for entry in tree.entries(top):
            found = entry.stat(follow_symlinks=False)
            os.chown(entry.path, user, groups.get(found.st_gid, group), follow_symlinks=False)
        os.chown(top, user, group)
        os.chmod(top, 0o711)

    def moves(self) -> list[Move]:
        """Put the databases in their places in the stage; return what to exchange, without what needs a stopped app."""
        moves = []
        for one in self.manifest["databases"] if self.has_databases else ():
            now, dump = self.now[one["alias"]], os.path.join(self.directory, "databases", str(one["file"]))
            if now.vendor != "sqlite":
                continue
            relative = now.below(self.app.data)
            user, group = accounts.ids_of(self.app.name)
            os.chown(dump, user, group)
            os.chmod(dump, DATABASE_MODE)
            if self.has_files:
                move_below(os.path.join(self.directory, "data"), relative, dump, (user, group))
            else:
                names = [self.stage, "databases", str(one["file"])]
                moves.append(Move(["data", *relative.split(os.sep)], names, os.stat(dump).st_ino))
        if self.has_files:
            inode = os.stat(os.path.join(self.directory, "data")).st_ino
            moves.append(Move(["data"], [self.stage, "data"], inode))
        return moves

    def renames(self, when: str, load: Load) -> list[Rename]:
        """Load the dumps of PostgreSQL into new databases with *load*; return what to rename."""
        found: list[Rename] = []
        for one in self.manifest["databases"] if self.has_databases else ():
            now = self.now[one["alias"]]
            if now.vendor != "postgresql" or now.alias in self.far:
                continue
            ends = ("_restored", f"_before_{when}")
            names = [f"{now.name[: postgresql.MAX_NAME - len(end)]}{end}" for end in ends]
            # One of a run that was killed may still belong to the superuser, who makes it.
            postgresql.check_leftover(names[0])
            if postgresql.owner(names[1]) not in ("", self.app.name):
                raise BackupError(
                    f"The database '{harmless(names[1])}' is in the way, which a restore would use: rename it."
                )
            postgresql.create(names[0], now.name, one["extensions"])
            try:
                self._load(one, names[0], load)
            except BackupError:
                for incomplete in [*(other.restored for other in found), names[0]]:
                    postgresql.drop(incomplete)
                raise
            found.append(Rename(now.name, *names))
        return found

    def load_far(self, name: str, load: Load) -> None:
        """Load the dump of the database on another host into its copy there, which has this *name*."""
        for one in self.manifest["databases"] if self.has_databases else ():
            if one["alias"] in self.far:
                self._load(one, name, load)

    def _load(self, one: StoredDatabase, name: str, load: Load) -> None:
        dump = os.path.join(self.directory, "databases", str(one["file"]))
        if load(self.now[one["alias"]], name, dump).get("rows") != one["rows"]:
            raise BackupError(
                f"DATABASES['{one['alias']}']: the tables of the loaded backup do not have the rows that it recorded. "
                "The live data are as they were."
            )
        os.unlink(dump)

    def keep_live_databases(self) -> None:
        """For `only=files`: give the databases of the stopped app a second name among the restored files."""
        user, _group = accounts.ids_of(self.app.name)
        for one in self.now.values():
            relative = one.below(self.app.data)
            if one.vendor != "sqlite" or not relative:
                continue
            *above, name = relative.split(os.sep)
            with tree.opened(self.app.home, "data", *above) as source:
                target = make_below(os.path.join(self.directory, "data"), above, (user, _group))
                for end in ENDS:
                    _link(source, f"{name}{end}", target, user)


def _link(source: int, name: str, target: str, user: int) -> None:
    try:
        found = os.stat(name, dir_fd=source, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_uid != user:
        raise BackupError(f"'{harmless(name)}' is not a file of the app. Nothing was changed.")
    os.link(name, os.path.join(target, name), src_dir_fd=source, follow_symlinks=False)


def make_below(top: str, names: Sequence[str], owner: tuple[int, int]) -> str:
    """Make the directories *names* below *top*, in which only root works now; no link is followed."""
    path = top
    for name in names:
        path = os.path.join(path, name)
        if not os.path.lexists(path):
            os.mkdir(path, 0o750)
            os.chown(path, *owner)
        with tree.opened(os.path.dirname(path), name):
            pass
    return path


def move_below(top: str, relative: str, source: str, owner: tuple[int, int]) -> None:
    """Move *source* to the path *relative* below *top*."""
    *above, name = relative.split(os.sep)
    directory = make_below(top, above, owner)
    os.rename(source, os.path.join(directory, name))


def _group_of(name: str, directory: int, other: int) -> int:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False).st_gid
    except FileNotFoundError:
        return other
