# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which databases of a backup are copied beside the live data, to which places, and whether a copy has all rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import databases
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import StoredDatabase
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._backup.postgresql import is_local
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.copy_server import major_of, refusal

SHOWN = 5


@dataclass
class Copy:
    """The copy of one database of a backup."""

    alias: str
    vendor: str
    live: str
    # PostgreSQL: the purpose that names it. SQLite: its path below the directory of the copies.
    place: str
    file: str
    rows: dict[str, int]
    extensions: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)

    @property
    def is_migrated(self) -> bool:
        """Whether Django's migrations made its tables."""
        return any(name.rpartition(".")[2] == "django_migrations" for name in self.rows)

    def compare(self, found: Mapping[str, int]) -> None:
        """Note which tables do not have the rows that the backup recorded."""
        wrong = [
            f"{harmless(name)} has {found[name] if name in found else 'no table'}, not {number}"
            for name, number in sorted(self.rows.items())
            if found.get(name) != number
        ]
        wrong += [f"{harmless(name)} is not in the backup" for name in sorted({*found} - {*self.rows})]
        if wrong:
            more = f", and {len(wrong) - SHOWN} more tables" if len(wrong) > SHOWN else ""
            self.problems.append(f"the rows differ from those of the backup: {', '.join(wrong[:SHOWN])}{more}")


@dataclass(frozen=True)
class Plan:
    """What is copied."""

    copies: list[Copy]
    left_out: list[str]  # sentences
    major: int | None  # the version of the server for copies; None without one


def plan(app: App, wanted: Sequence[StoredDatabase], purpose: str) -> Plan:
    """Plan the copies of the databases *wanted*; raise BackupError for what no copy can be made of."""
    # The settings say which server has a database.
    servers = [one for one in wanted if one["vendor"] == "postgresql"]
    hosts = {one.alias: one.host for one in databases.read(app)[0]} if servers else {}
    far = [one for one in servers if not is_local(hosts.get(str(one["alias"]), ""))]
    major = max((major_of(str(one.get("version"))) for one in servers), default=0)
    refused = refusal(major) if far else ""
    found = Plan([], [], major if far and not refused else None)
    for one in wanted:
        alias = str(one["alias"])
        if not databases.ALIAS.fullmatch(alias):
            raise BackupError(f"The backup has a database '{harmless(alias)[:80]}'. Nothing was changed.")
        if one in far and refused:
            found.left_out.append(f"DATABASES['{alias}'] is on {harmless(hosts[alias])}, and {refused}.")
            continue
        number = sum(1 for other in found.copies if other.vendor == "postgresql")
        found.copies.append(_copy(one, f"{purpose}-{number + 1}" if number else purpose))
    return found


def _copy(one: StoredDatabase, place: str) -> Copy:
    alias, vendor = str(one["alias"]), str(one["vendor"])
    rows = {str(name): int(number) for name, number in dict(one["rows"]).items()}
    file = f"{alias}.{'sqlite3' if vendor == 'sqlite' else 'pgdump'}"
    if vendor == "sqlite":
        path = os.path.normpath(str(one.get("path") or ""))
        is_below = path != "." and not path.startswith(("/", ".."))
        # In any case below `data`: a process beside the copy sees only that of it.
        place = os.path.join("data", path if is_below else f".gatehouse-{file}")
    extensions = tuple(map(str, one.get("extensions") or ()))
    return Copy(alias, vendor, str(one["name"]), place, file, rows, extensions)
