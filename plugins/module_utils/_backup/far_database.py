# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchange the database of an app on other hosts, on the host of the database: what only the superuser can do.

The hosts of the app load the copy, as the app's own role. Each state can be asked for again after a run that was
killed. The names are made from the app's, and only databases of the app's role are touched. A record on this host says
which run may exchange it, and which database is its copy: the app can change the comment of a database of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._backup import postgresql, room
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import EXCHANGE_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import access
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.hba import RESTORED

KEPT = re.compile(r"_before_\d{8}t\d{6}z")


@dataclass(frozen=True)
class FarDatabase:
    """The database of the name of *app*, and the name *kept* that it gets when another one takes its place.

    *owner* is the random word of the run. Another run can only look, or take this one over.
    """

    app: str
    kept: str
    owner: str = ""

    def __post_init__(self) -> None:
        if not KEPT.fullmatch(self.kept.removeprefix(self.app)):
            raise BackupError(f"kept: '{self.kept}' is not a name like '{self.app}_before_20261126t023000z'.")

    @property
    def restored(self) -> str:
        """The name of the copy that is to take its place."""
        return f"{self.app}{RESTORED}"

    @property
    def undone(self) -> str:
        """The name that the copy gets if it was live and the exchange is undone."""
        return f"{self.app}_undone_{self.kept.rpartition('_')[2]}"

    def is_exchanged(self) -> bool:
        """Whether the copy has taken its place, also when the one that was kept is gone."""
        if copy := self._record().get("copy"):
            return bool(copy == postgresql.number(self.app))
        return self.has_kept()

    def has_kept(self) -> bool:
        """Whether the database of before is there under the other name."""
        return self.kept in postgresql.names()

    def has_undone(self) -> bool:
        """Whether the copy was live, and is kept."""
        return self.undone in postgresql.names()

    def check(self, size: int, hosts: Collection[str]) -> None:
        """Raise BackupError if no copy can be made of a dump of *size* bytes, or if other *hosts* use the database."""
        self._check(self.app)
        if others := sorted({*access.hosts_of(run_bounded, self.app)} - {*hosts}):
            raise BackupError(
                f"{', '.join(map(harmless, others))} can use the database, too, and would go on while it is exchanged. "
                "Name all hosts of the app in its 'hosts'. If one does not serve it any more, remove its line from "
                f"pg_hba.conf on {os.uname().nodename}, and reload PostgreSQL."
            )
        if owner := postgresql.owner(self.kept):
            raise BackupError(f"The database '{self.kept}' (of '{harmless(owner)}') is in the way: rename it.")
        if not self._is_copy():
            postgresql.check_leftover(self.restored)
        if refused := postgresql.refusal():
            raise BackupError(refused)
        room.check("", {"dump": self.app}, {"dump": size})

    def prepare(self, extensions: Iterable[str], size: int, hosts: Collection[str]) -> None:
        """Make the empty copy, with the *extensions* that the live one has."""
        if self._record():
            self._check_owner()
        self.check(size, hosts)
        with locked("postgresql"):
            access.renew(run_bounded)
        if self._is_copy():
            postgresql.drop(self.restored)
        self._write("")
        postgresql.create(self.restored, self.app, extensions)
        self._write(postgresql.number(self.restored))

    def take(self) -> None:
        """Let this run go on in the place of one that was killed."""
        self._write(self._record().get("copy", ""))

    def exchange(self) -> None:
        """Give the copy the name of the live one, which is kept."""
        self._check_owner()
        if not self.is_exchanged():
            self._check(self.app)
            self._check(self.restored)
            if not self._is_copy():
                raise BackupError(f"The database '{self.restored}' is not the copy that this run has loaded.")
            postgresql.exchange(self.app, self.kept, self.restored, keep=True)

    def give_back(self) -> None:
        """Give the name back to the one that was kept. What was live meanwhile is kept, too."""
        if not self.is_exchanged():
            return
        self._check_owner()
        self._check(self.app)
        if not self.has_kept():
            raise BackupError(f"The database of before, '{self.kept}', is gone. Nothing was changed.")
        postgresql.exchange(self.app, self.undone, self.kept, keep=True)

    def drop(self) -> None:
        """Drop the copy of this run, which never was live."""
        if self._is_owner() and self._is_copy():
            postgresql.drop(self.restored)
        elif self._is_owner() and not self._record()["copy"]:
            # It was killed while it made the copy.
            with contextlib.suppress(BackupError):
                postgresql.drop_leftover(self.restored)

    def _is_copy(self) -> bool:
        copy = self._read().get("copy")
        return bool(copy) and copy == postgresql.number(self.restored)

    def _is_owner(self) -> bool:
        return bool(self.owner) and self._record().get("owner") == self.owner

    def _check_owner(self) -> None:
        if not self._is_owner():
            raise BackupError("Another run has taken this one over. The databases were left as they are.")

    @property
    def _path(self) -> Path:
        return Path(EXCHANGE_DIRECTORY, f"{self.app}.json")

    def _record(self) -> dict[str, Any]:
        """What is recorded of the run that keeps the database of before under this name."""
        found = self._read()
        return found if found.get("kept") == self.kept else {}

    def _read(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(files.read(self._path) or "{}")
        return found

    def _write(self, copy: str) -> None:
        files.make_directory(self._path.parent, 0o700)
        record = {"kept": self.kept, "owner": self.owner, "copy": copy}
        files.replace(self._path, json.dumps(record) + "\n", 0o600)

    def _check(self, name: str) -> None:
        owner = postgresql.owner(name)
        if owner != self.app:
            found = f"belongs to the role '{harmless(owner)}', not to '{self.app}'" if owner else "does not exist"
            raise BackupError(f"The database '{harmless(name)}' of {os.uname().nodename} {found}.")
