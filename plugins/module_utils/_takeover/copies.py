# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which data is copied, and where to; refuses what would lose data."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import THIS_HOST
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import Refused
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.settings import Database, Project

MIB = 1024**2


@dataclass(frozen=True)
class Copy:
    """A SQLite database or a directory, and its place below the app's data."""

    source: str
    destination: str
    # Bytes.
    size: int
    # The alias of a database, empty for a directory.
    database: str = ""

    def __str__(self) -> str:
        """What is copied, in words."""
        what = f"database '{self.database}'" if self.database else "uploads"
        return harmless(f"{what}: {self.source} to {self.destination} ({self.size / MIB:.1f} MiB)")


def plan(old: Project, app: App, new: Project | None = None) -> list[Copy]:
    """What to copy. Before the app is deployed, *new* is None, and its files are where the settings overlay puts them.

    Raises Refused if the app would not find the data of the hand-made site.
    """
    found = []
    for alias, database in old.databases.items():
        destination = _database_place(alias, database, app, new)
        if destination and database.size >= 0:
            found.append(Copy(database.name, destination, database.size, alias))
    if old.media and old.media_size >= 0:
        destination = _below_data("MEDIA_ROOT", new.media, app) if new else os.path.join(app.data, "media")
        found.append(Copy(old.media, destination, old.media_size))
    return found


def _database_place(alias: str, old: Database, app: App, new: Project | None) -> str:
    """The path of the app's file, empty for a database that stays where it is."""
    if new is None:
        return os.path.join(app.data, os.path.basename(old.name)) if old.is_file else ""
    known = new.databases.get(alias)
    if known is None or known.is_file != old.is_file or not (old.is_file or _is_same(old, known)):
        has = _shown(known) if known else "none"
        raise Refused(
            f"The hand-made site's database '{alias}' is {_shown(old)}, and that of the app is {has}. Give the app "
            f"the same one ('environment', 'secrets' or 'settings' of its entry): the takeover copies files of SQLite, "
            "and leaves the databases of a server where they are."
        )
    return _below_data(f"DATABASES['{alias}']", known.name, app) if old.is_file else ""


def _is_same(one: Database, other: Database) -> bool:
    hosts = one.host == other.host or (one.host in THIS_HOST and other.host in THIS_HOST)
    return hosts and one.name == other.name and one.engine.rpartition(".")[2] == other.engine.rpartition(".")[2]


def _shown(database: Database) -> str:
    place = f" on {database.host}" if database.host else ""
    return f"{database.name}{place} ({database.engine.rpartition('.')[2]})"


def _below_data(setting: str, path: str, app: App) -> str:
    if os.path.normpath(path) != path or not path.startswith(f"{app.data}/"):
        raise Refused(f"{setting} of the app is '{path}', which is not below {app.data}. Correct it in 'settings'.")
    return path


def check_space(copies: Iterable[Copy], place: str) -> None:
    """Raise Refused if the copies do not fit; a database needs its size twice for a moment."""
    needed = sum(copy.size * (2 if copy.database else 1) for copy in copies)
    state = os.statvfs(place)
    free = state.f_bavail * state.f_frsize
    if needed > free:
        raise Refused(
            f"The copies need {needed / MIB:.0f} MiB, and {place} has {free / MIB:.0f} MiB left. Nothing was changed."
        )


def warnings(old: Project, new: Project) -> list[str]:
    """What visitors would notice."""
    if old.key == new.key:
        return []
    return ["SECRET_KEY of the app is not that of the hand-made site: all visitors have to log in again."]
