# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say how much was written to a database since its snapshot, as far as the database itself has counted it.

PostgreSQL counts the rows that each table gained, changed and lost (pg_stat_user_tables). A reset of the counters, a
crash of the server and a table that was made anew begin them again: then a number is the least that it can be. Rows of
transactions that were rolled back count, too. SQLite counts nothing: only the numbers of rows can be compared.

The project's process reports the counters, so each value is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Writes
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

MAX_TABLES = 5000
MAX_NAME = 200
SHOWN = 30
KINDS = ("inserted", "changed", "deleted")


def checked(given: Any) -> Writes:
    """Return what a process reported as counters, without anything else; empty if it is not that."""
    try:
        if "rows" in given:
            rows = list(dict(given["rows"]).items())[:MAX_TABLES]
            return {"rows": {str(name)[:MAX_NAME]: int(number) for name, number in rows}}
        tables = {
            str(name)[:MAX_NAME]: [int(number) for number in numbers]
            for name, numbers in list(dict(given["tables"]).items())[:MAX_TABLES]
        }
        if any(len(numbers) != 1 + len(KINDS) for numbers in tables.values()):
            return {}
        return {"reset": str(given["reset"])[:MAX_NAME], "tables": tables}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return {}


def explain(before: Writes, now: Writes) -> list[str]:
    """Return what was written between the two, a line for each table; or that it is unknown, or that it is nothing."""
    if not before or not now or before.keys() != now.keys():
        return ["unknown: the database did not say how much was written"]
    found = list(_rows(before["rows"], now["rows"]) if "rows" in before else _counted(before, now))
    more = [f"and {len(found) - SHOWN} more tables"] if len(found) > SHOWN else []
    if "rows" in before:
        more.append("SQLite counts no writes, so rows that were changed are not in these numbers.")
    if before.get("reset") != now.get("reset"):
        more.append("The counters were reset or the server was restarted since: it may be more.")
    return [*(found[:SHOWN] or ["nothing that the database has counted"]), *more]


def _rows(before: Mapping[str, int], now: Mapping[str, int]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        if name not in now:
            yield f"{harmless(name)}: the table is gone, with {before[name]} rows"
        elif name not in before:
            yield f"{harmless(name)}: a new table with {now[name]} rows"
        elif now[name] != before[name]:
            number = now[name] - before[name]
            yield f"{harmless(name)}: {abs(number)} {'more' if number > 0 else 'fewer'} rows"


def _counted(before: Writes, now: Writes) -> Iterator[str]:
    # It is also another one after a restart of the server, which keeps the counters unless it was a crash.
    is_reset = before["reset"] != now["reset"]
    for name, (oid, *numbers) in sorted(now["tables"].items()):
        old_oid, *old = before["tables"].get(name, [0, 0, 0, 0])
        is_same = old_oid == oid and all(one >= other for one, other in zip(numbers, old, strict=True))
        parts = [one - other for one, other in zip(numbers, old, strict=True)] if is_same else numbers
        if any(parts):
            words = ", ".join(f"{number} {kind}" for number, kind in zip(parts, KINDS, strict=True))
            # A table that is new has counted all that was ever written to it.
            least = is_reset or (old_oid == oid and not is_same)
            yield f"{harmless(name)}: {'at least ' if least else ''}{words}{'' if old_oid else ' (a new table)'}"
    for name in sorted(set(before["tables"]) - set(now["tables"])):
        yield f"{harmless(name)}: the table is gone"
