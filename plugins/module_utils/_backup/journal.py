# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore or rollback exchanges, on the disk before it begins: the next run finishes or undoes a killed one."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app import interrupted_restore
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import postgresql
from ansible_collections.gatehouse.django.plugins.module_utils._backup.exchange import exchange
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import Place
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree


@dataclass
class Move:
    """A directory or file of the app, and the restored one that takes its place: names below the app's home."""

    live: list[str]
    staged: list[str]
    # Of the restored one: the live name has it once they are exchanged.
    inode: int = 0

    def is_done(self, app: App) -> bool:
        """Whether the restored one is live."""
        with contextlib.suppress(FileNotFoundError), _directory(app, self.live) as parent:
            return os.stat(self.live[-1], dir_fd=parent, follow_symlinks=False).st_ino == self.inode
        return False

    def run(self, app: App, *, back: bool) -> None:
        """Exchange them, unless that is done; with *back*, exchange them again."""
        if self.is_done(app) != back:
            return
        with _directory(app, self.staged) as source, _directory(app, self.live) as target:
            exchange(source, self.staged[-1], target, self.live[-1])


@dataclass
class Rename:
    """A database of the host's PostgreSQL: its name, that of the restored one, and the name under which it is kept."""

    name: str
    restored: str
    kept: str

    def is_done(self, _app: App) -> bool:
        """Whether the restored one has the name."""
        return self.kept in postgresql.names()

    def run(self, app: App, *, back: bool) -> None:
        """Rename them in one transaction, unless that is done; with *back*, rename them again."""
        if self.is_done(app) != back:
            return
        aside, instead = (self.restored, self.kept) if back else (self.kept, self.restored)
        postgresql.exchange(self.name, aside, instead, keep=not back)


@dataclass
class Journal:
    """One restore."""

    snapshot: str
    # Of the backup, and of the database before it: the old data are in this directory afterwards.
    release: str
    stage: str
    moves: list[Move] = field(default_factory=list)
    renames: list[Rename] = field(default_factory=list)
    # All that it exchanges is complete.
    is_ready: bool = False
    # The exchange is undone.
    is_undone: bool = False
    # Of a rollback that takes the databases back: the release that was served, and the one to put into service.
    served: str = ""
    target: str = ""
    # Of a restore onto a host that serves no release of the app yet.
    is_first: bool = False
    # Of a database on another host, which its hosts exchange together: that host in the inventory, and the name there
    # under which the database of before is kept.
    server: str = ""
    kept: str = ""
    # The random word of the run that works on it: another one can have taken it over.
    owner: str = ""
    # This host works with the other database.
    is_switched: bool = False
    # This one of the hosts has the backup, and brings it.
    has_backup: bool = False
    was_healthy: bool = False

    def write(self, place: Place) -> None:
        """Write it to the disk."""
        files.replace(path(place), json.dumps(asdict(self)) + "\n", 0o600)

    def is_begun(self, app: App) -> bool:
        """Whether anything of it is live."""
        return any(one.is_done(app) for one in self._steps())

    def exchange(self, app: App, *, back: bool = False) -> None:
        """Exchange all that is not exchanged yet, or with *back* undo it."""
        for one in self._steps():
            one.run(app, back=back)

    def _steps(self) -> list[Move | Rename]:
        return [*self.renames, *self.moves]


def path(place: Place) -> Path:
    """The file of the journal; it exists while a restore is not complete."""
    return place.home / interrupted_restore.JOURNAL


def read(place: Place) -> Journal | None:
    """Return the journal of a restore that was interrupted."""
    text = files.read(path(place))
    if text is None:
        return None
    found: dict[str, Any] = json.loads(text)
    found["moves"] = [Move(**one) for one in found["moves"]]
    found["renames"] = [Rename(**one) for one in found["renames"]]
    return Journal(**found)


@contextlib.contextmanager
def _directory(app: App, names: list[str]) -> Iterator[int]:
    """Open the directory of *names* below the app's home; no link is followed, which the app could have made."""
    with tree.opened(app.home, *names[:-1]) as descriptor:
        yield descriptor
