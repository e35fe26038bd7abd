# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchange the database of an app on other hosts, on the host of the database: what only the superuser can do.

The hosts of the app load the copy, as the app's own role. Each state can be asked for again after a run that was
killed. The names are made from the app's, and only databases of the app's role are touched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._backup import postgresql, room
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import access
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.hba import RESTORED

KEPT = re.compile(r"_before_\d{8}t\d{6}z")


@dataclass(frozen=True)
class FarDatabase:
    """The database of the name of *app*, and the name *kept* that it gets when another one takes its place."""

    app: str
    kept: str

    def __post_init__(self) -> None:
        if not KEPT.fullmatch(self.kept.removeprefix(self.app)):
            raise BackupError(f"kept: '{self.kept}' is not a name like '{self.app}_before_20261126t023000z'.")

    @property
    def restored(self) -> str:
        """The name of the copy that is to take its place."""
        return f"{self.app}{RESTORED}"

    def is_exchanged(self) -> bool:
        """Whether the copy has taken its place."""
        return self.kept in postgresql.names()

    def prepare(self, extensions: Iterable[str], size: int) -> None:
        """Make the empty copy, with the *extensions* that the live one has, if a dump of *size* bytes fits."""
        self._check(self.app)
        if owner := postgresql.owner(self.kept):
            raise BackupError(f"The database '{self.kept}' (of '{harmless(owner)}') is in the way: rename it.")
        if refused := postgresql.refusal():
            raise BackupError(refused)
        room.check("", {"dump": self.app}, {"dump": size})
        with locked("postgresql"):
            access.renew(run_bounded)
        postgresql.create(self.restored, self.app, extensions)

    def exchange(self) -> None:
        """Give the copy the name of the live one, which is kept."""
        if not self.is_exchanged():
            self._check(self.app)
            self._check(self.restored)
            postgresql.exchange(self.app, self.kept, self.restored, keep=True)

    def give_back(self) -> None:
        """Give the name back to the one that was kept."""
        if self.is_exchanged():
            self._check(self.app)
            postgresql.exchange(self.app, self.restored, self.kept, keep=False)

    def drop(self) -> None:
        """Drop the copy, which is not live."""
        postgresql.drop_leftover(self.restored)

    def _check(self, name: str) -> None:
        owner = postgresql.owner(name)
        if owner != self.app:
            found = f"belongs to the role '{harmless(owner)}', not to '{self.app}'" if owner else "does not exist"
            raise BackupError(f"The database '{harmless(name)}' of {os.uname().nodename} {found}.")
