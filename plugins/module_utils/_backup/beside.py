# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore a snapshot beside the live data: databases into copies of their own, files into a directory of their own.

Nothing here writes to live data. All that it makes belongs to the app's user for copies, and a note says what that is,
before it is made: so the next run removes what a killed one has left.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools, silent
from ansible_collections.gatehouse.django.plugins.module_utils._backup import room, staging
from ansible_collections.gatehouse.django.plugins.module_utils._backup.copy_plan import Copy, plan
from ansible_collections.gatehouse.django.plugins.module_utils._backup.in_copy import InCopy
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Manifest
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import POSTGRESQL_SOCKETS
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PORT, PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.copy_server import (
    CopyServer,
)
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.scratch import LackedExtension, Scratch


class Note(TypedDict, total=False):
    """What a copy is; empty if there is none."""

    made: str  # UTC in ISO 8601 format
    snapshot: str
    time: str  # of the snapshot
    only: str  # all, database or files
    databases: list[str]  # the purposes of the copies of PostgreSQL's
    server: bool  # whether they are on a server of their own


class Beside:
    """The copy of the data of the app at *place* for one *purpose*; one run at a time uses it."""

    def __init__(
        self, place: Place, purpose: str, more: Sequence[str] = (), enter: Callable[[str], None] = silent
    ) -> None:
        self.place, self.app, self.purpose, self._more, self._enter = place, place.app, purpose, tuple(more), enter
        self.scratch = Scratch(place.app.copy_user)
        # For databases of another host. A program of the app finds one server, so then all copies are there.
        self._server = CopyServer(self.app.name, self.app.copies, self.app.copy_user, purpose, more)
        self._major: int | None = None  # the version that it needs; None without it
        self.directory = os.path.join(place.app.copies, purpose)
        self.note = place.home / f"copy-{purpose}.json"
        self.copies: list[Copy] = []
        self.left_out: list[str] = []
        self.seconds: dict[str, float] = {}
        self.bytes = 0

    def remove(self) -> Note:
        """Remove the copy, also an incomplete one; return its note, empty if there is none."""
        found = read_note(self.note)
        if found:
            self._server.remove()
            for purpose in [] if found.get("server") else found.get("databases", []):
                self.scratch.drop(purpose)
            tree.remove_tree(self.directory)
            files.remove(self.inside().environment)
            files.remove(self.note)
        return found

    def make(self, repository: Repository, snapshot: str, manifest: Manifest, only: str) -> None:
        """Make the copy in the place of one that is there, and compare its rows with those that the backup recorded.

        *only* is all, database or files. The problems are in `copies`. Raises BackupError for what cannot be copied.
        """
        self.remove()
        if os.path.lexists(self.directory):
            raise BackupError(f"'{self.directory}' is in the way: no copy of Gatehouse. Move it. Nothing was changed.")
        self._plan(manifest, only)
        parts = [*([] if only == "database" else ["/data"]), *([] if only == "files" else ["/databases"])]
        dumps = {f"/databases/{one.file}": one.live for one in self.copies if one.vendor == "postgresql"}
        sizes = room.sizes(repository, snapshot, parts)
        if self._has_server:
            room.check(self.app.home, {}, sizes | {"server": room.of_server(dumps, sizes)})
        else:
            room.check(self.app.home, dumps, sizes)
        self.bytes = sum(sizes.values())
        accounts.ensure_copy_user(Tools(run_bounded, {}), self.app)
        self._write_note(snapshot, manifest, only)
        for path, mode in ((self.app.copies, 0o711), (self.directory, 0o700)):
            if not os.path.isdir(path):
                os.mkdir(path, mode)
                os.chmod(path, mode)
        with self._timed("fetch"):
            # No lock in the repository: this only reads, and a backup must not wait for it.
            words = [word for part in parts for word in ("--include", part)]
            repository.restore("--no-lock", snapshot, "--target", self.directory, *words)
        if self._major is not None:
            with self._timed("server"):
                self._server.start(self._major)
                self.scratch = Scratch(self.app.copy_user, self._server.run, self._server.bound)
        with self._timed("load"):
            for one in list(self.copies):
                if one.vendor == "sqlite":
                    self._place(one)
                elif lack := self._load(one):
                    self.copies.remove(one)
                    self.left_out.append(f"DATABASES['{one.alias}'] was not copied: {lack}")
            self._give()
        with self._timed("count"):
            self._count()

    def connections(self) -> dict[str, dict[str, str]]:
        """What to change in DATABASES by alias, so that it names the copies."""
        nothing = dict.fromkeys(("HOST", "PORT", "USER", "PASSWORD"), "")
        if self._has_server:
            nothing |= {"HOST": POSTGRESQL_SOCKETS, "PORT": PORT, "USER": self.app.copy_user}
        return {
            one.alias: nothing
            | {"NAME": self.scratch.name(one.place) if one.vendor == "postgresql" else self.seen(one)}
            for one in self.copies
        }

    def problems(self) -> list[str]:
        """What differs from the backup."""
        return [f"DATABASES['{one.alias}']: {text}." for one in self.copies for text in one.problems]

    def look(self) -> list[str]:
        """How root looks into the copy on the host."""
        found = []
        for one in self.copies:
            if one.vendor == "postgresql":
                server = f"--host={shlex.quote(self._server.socket)} " if self._has_server else ""
                where = f"runuser -u {self.app.copy_user} -- psql {server}{self.scratch.name(one.place)}"
            else:
                path = shlex.quote(os.path.join(self.directory, one.place))
                where = f"runuser -u {self.app.copy_user} -- sqlite3 {path}"
            found.append(f"DATABASES['{one.alias}']: {harmless(where)}")
        return found

    def seen(self, one: Copy) -> str:
        """The path of a SQLite database for a process beside the copy, which sees `data` in the place of the live."""
        return os.path.join(self.app.home, one.place)

    def inside(self) -> InCopy:
        """What runs programs of the app beside the copy."""
        place = next((one.place for one in self.copies if one.vendor == "postgresql"), "")
        url = partial(self.scratch.url, place) if place else None
        return InCopy(self.app, self.purpose, url, [*self._more, *(self._server.bound if self._has_server else [])])

    @property
    def _has_server(self) -> bool:
        return self._major is not None

    def _plan(self, manifest: Manifest, only: str) -> None:
        if self._has_server:
            # Of an earlier plan.
            self.scratch = Scratch(self.app.copy_user)
        planned = plan(self.app, [] if only == "files" else manifest["databases"], self.purpose)
        self.copies, self.left_out, self._major = planned.copies, planned.left_out, planned.major

    def _write_note(self, snapshot: str, manifest: Manifest, only: str) -> None:
        note: Note = {
            "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "snapshot": snapshot[:8],
            "time": str(manifest["time"]),
            "only": only,
            "databases": [one.place for one in self.copies if one.vendor == "postgresql"],
            "server": self._has_server,
        }
        files.replace(self.note, json.dumps(note) + "\n", 0o600)

    def _load(self, one: Copy) -> str:
        """Make the copy; return what the host lacks for it."""
        dump = os.path.join(self.directory, "databases", one.file)
        try:
            if self._has_server:
                self.scratch.create_alone(one.place, one.extensions, self._server.major)
            else:
                self.scratch.create(one.place, one.live)
            if said := self.scratch.fill(one.place, dump, self._more):
                one.problems.append(f"PostgreSQL did not load all of it: {said}")
        except LackedExtension as error:
            return str(error)
        except PostgresqlError as error:
            raise BackupError(f"DATABASES['{one.alias}']: {error}") from error
        os.unlink(dump)
        return ""

    def _place(self, one: Copy) -> None:
        """Put a SQLite database where the settings look for it."""
        user, group = accounts.ids_of(self.app.copy_user)
        dump = os.path.join(self.directory, "databases", one.file)
        data = os.path.join(self.directory, "data")
        if not os.path.isdir(data):
            os.mkdir(data, 0o700)
        staging.move_below(data, os.path.relpath(one.place, "data"), dump, (user, group))

    def _give(self) -> None:
        """Give all of it to the user for copies: no process of the app runs as that user yet."""
        user, group = accounts.ids_of(self.app.copy_user)
        if not os.path.isdir(os.path.join(self.directory, "data")):
            os.mkdir(os.path.join(self.directory, "data"), 0o700)
        for entry in tree.entries(self.directory):
            os.chown(entry.path, user, group, follow_symlinks=False)
        os.chown(self.directory, user, group)

    def _count(self) -> None:
        for one in self.copies:
            try:
                is_sqlite = one.vendor == "sqlite"
                one.compare(self.inside().rows(self.seen(one)) if is_sqlite else self.scratch.rows(one.place))
            except PostgresqlError as error:
                raise BackupError(f"DATABASES['{one.alias}']: {error}") from error

    @contextlib.contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        self._enter(name)
        yield
        self.seconds[name] = round(time.monotonic() - start, 1)


def read_note(path: Path) -> Note:
    """Read what a copy is."""
    found: Note = json.loads(files.read(path) or "{}")
    return found
