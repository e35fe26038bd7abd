# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rehearsal found of each migration: from its own report, which is untrusted, and from the samples outside.

The code of the project runs in the process that reports. It can hide short locks, but not those that the superuser's
samples show, and not that a migration was not applied.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.report import MIGRATION
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

# The locks that make visitors wait: those that conflict with reading (only the first) or writing a table (PostgreSQL's
# documentation, "Explicit Locking").
BLOCKS_READERS = "AccessExclusiveLock"
BLOCKS_WRITERS = ("ExclusiveLock", "ShareRowExclusiveLock", "ShareLock")
# These only keep other changes of the table waiting, and writers of the same rows.
BLOCKS_CHANGES, WRITES = "ShareUpdateExclusiveLock", "RowExclusiveLock"
SHOWN = (BLOCKS_READERS, *BLOCKS_WRITERS, BLOCKS_CHANGES, WRITES)
# A visitor who writes one of the rows notices a longer transaction.
LONG_SECONDS = 1.0
MAX_NAME = 200  # characters of a table's name
MAX_MIGRATIONS = 10_000
# Between what a process and the server read from the same clock.
CLOCK_SECONDS = 0.05
# Two locks of one transaction end together; statements and samples are a moment apart.
SAME_SECONDS = 0.1
OTHERS = "after the migrations"


@dataclass
class Migration:
    """One migration; *ended* is None if it failed. *locks* are seconds by table and mode."""

    name: str
    alias: str
    began: float
    ended: float | None
    is_atomic: bool = True
    locks: dict[tuple[str, str], float] = field(default_factory=dict)
    rewrites: list[str] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """Return its name for a message."""
        return self.name if self.alias == "default" else f"{self.name} (database {self.alias})"

    def add(self, table: str, mode: str, seconds: float) -> None:
        """Note a lock; the longest of the same kind counts."""
        key = (harmless(table)[:MAX_NAME], mode)
        if mode in SHOWN:
            self.locks[key] = max(self.locks.get(key, 0.0), seconds)

    def strongest(self) -> list[tuple[str, str, float]]:
        """Return table, mode and seconds of each lock, without those during which a stronger one was held."""
        found: list[tuple[str, str, float]] = []
        for (table, mode), seconds in sorted(self.locks.items(), key=lambda one: (SHOWN.index(one[0][1]), -one[1])):
            if not any(name == table and longer + SAME_SECONDS >= seconds for name, _mode, longer in found):
                found.append((table, mode, seconds))
        return [one for one in found if one[1] != WRITES or one[2] >= LONG_SECONDS]

    def sentence(self, *, has_locks: bool) -> str:
        """Return what it does in one line. SQLite has no locks of tables."""
        took = f"{self.ended - self.began:.1f} s" if self.ended is not None else "failed"
        parts = [f"{self.shown}: {took}"]
        locks = self.strongest()
        parts += [
            f"holds {words(mode)} on {table} for {seconds:.1f} s" for table, mode, seconds in locks if mode != WRITES
        ]
        writes = [f"{table} ({seconds:.1f} s)" for table, mode, seconds in locks if mode == WRITES]
        parts += [f"rewrites {', '.join(self.rewrites)}"] if self.rewrites else []
        if not has_locks:
            parts.append("locks are not applicable to SQLite")
        elif len(parts) == 1:
            parts.append("locks no table")
        parts += (
            [f"writes rows in one transaction, and other writers of these wait: {', '.join(writes)}"] if writes else []
        )
        if has_locks and not self.is_atomic:
            parts.append("not atomic, so its locks are sampled")
        return "; ".join(parts)


def words(mode: str) -> str:
    """Return a mode of pg_locks as PostgreSQL's documentation writes it: `ACCESS EXCLUSIVE`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode.removesuffix("Lock")).upper()


def read(output: str, token: str) -> list[Migration] | None:
    """Return the migrations in the last line of *output*; None without a valid report with the *token*."""
    try:
        found = json.loads(output.splitlines()[-1])
        if found["token"] != token:
            return None
        return [_migration(one) for one in found["migrations"][:MAX_MIGRATIONS]]
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError, OverflowError):
        return None


def _migration(found: Mapping[str, Any]) -> Migration:
    name, alias, ended = str(found["name"]), str(found["alias"]), found.get("ended")
    if not MIGRATION.fullmatch(name) or not name.isprintable() or not alias.isprintable():
        raise ValueError("no migration")
    made = Migration(
        name, alias[:MAX_NAME], float(found["began"]), None if ended is None else float(ended), bool(found["is_atomic"])
    )
    for one in found.get("locks", [])[:MAX_MIGRATIONS]:
        made.add(str(one["table"]), str(one["mode"]), float(one["seconds"]))
    return made


def add_seen(
    migrations: list[Migration], aliases: Sequence[str], seen: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    """Add what the superuser has *seen* in the copy of the databases *aliases* to the migration of that moment."""
    for one in seen["locks"]:
        mode, first, last = str(one["mode"]), float(one["first"]), float(one["last"])
        if mode in SHOWN:
            _during(migrations, aliases, first, last).add(str(one["table"]), mode, last - first)
    for one in seen["rewrites"]:
        at, table = float(one["at"]), harmless(str(one["table"]))[:MAX_NAME]
        rewrites = _during(migrations, aliases, at, at).rewrites
        if table not in rewrites:
            rewrites.append(table)


def _during(migrations: list[Migration], aliases: Sequence[str], first: float, last: float) -> Migration:
    """Return the migration that ran for most of the time from *first* to *last*: the next one begins at once."""

    def overlap(one: Migration) -> float:
        return min(last, last if one.ended is None else one.ended) - max(first, one.began)

    own = [one for one in migrations if one.alias in aliases]
    found = max((one for one in own if one.name != OTHERS), key=overlap, default=None)
    if found is None or overlap(found) < -CLOCK_SECONDS:
        found = next((one for one in own if one.name == OTHERS), None)
    if found is None:
        found = Migration(OTHERS, aliases[0], first, first)
        migrations.append(found)
    return found


def refusals(migrations: Sequence[Migration], limit: float | None) -> Iterator[str]:
    """Yield a sentence for each lock that lets visitors wait for more than *limit* seconds."""
    if limit is None:
        return
    for one in migrations:
        for table, mode, seconds in one.strongest():
            if seconds > limit and mode in (BLOCKS_READERS, *BLOCKS_WRITERS):
                who = "readers and writers" if mode == BLOCKS_READERS else "writers"
                yield (
                    f"{one.shown} holds {words(mode)} on {table} for {seconds:.1f} s, and {who} wait so long "
                    f"(refuse_locks_over: {limit:g} s)."
                )
