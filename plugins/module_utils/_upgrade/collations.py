# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the indexes whose order another version of the C library or of ICU may have changed, and build them anew.

PostgreSQL stores the version that each collation had when it was made. pg_upgrade keeps the files of the indexes, but
not all of these versions: initdb makes those of the system anew. So the versions of the old cluster count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.superuser import identifier
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.clusters import Server

# Columns of newer versions are read from the whole row: datcollversion is there since PostgreSQL 15.
STORED = """
SELECT json_build_object(
  'default', (SELECT to_jsonb(d)->>'datcollversion' FROM pg_database AS d WHERE datname = current_database()),
  'others', (SELECT coalesce(json_object_agg(nspname || '.' || collname, collversion), '{}')
    FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = collnamespace
    WHERE collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database()))))
"""
ACTUAL = """
SELECT json_build_object(
  'default', (SELECT pg_database_collation_actual_version(oid) FROM pg_database WHERE datname = current_database()),
  'others', (SELECT coalesce(json_agg(json_build_object('oid', c.oid::bigint, 'name', nspname || '.' || collname,
      'quoted', format('%I.%I', nspname, collname), 'stored', collversion,
      'actual', pg_collation_actual_version(c.oid))), '[]')
    FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = collnamespace WHERE collprovider IN ('c', 'i')
    AND collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database()))))
"""
# The collation of the database itself (pg_collation.dat).
DEFAULT = 100
# The columns of an index, what its expressions and its WHERE name, and the columns that these use.
INDEXES = """
WITH affected AS (SELECT unnest(ARRAY[{oids}]::oid[]) AS oid)
SELECT coalesce(json_agg(format('%I.%I', nspname, i.relname) ORDER BY nspname, i.relname),
  '[]')
FROM pg_index JOIN pg_class AS i ON i.oid = indexrelid JOIN pg_class AS t ON t.oid = indrelid
  JOIN pg_namespace AS n ON n.oid = i.relnamespace
WHERE i.relkind = 'i' AND t.relpersistence <> 't' AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' AND (
  EXISTS (SELECT FROM affected WHERE affected.oid = ANY (indcollation::oid[]))
  OR EXISTS (SELECT FROM pg_depend JOIN affected ON affected.oid = refobjid
    WHERE classid = 'pg_class'::regclass AND objid = indexrelid AND refclassid = 'pg_collation'::regclass)
  OR EXISTS (SELECT FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
      JOIN affected ON affected.oid = attcollation
    WHERE classid = 'pg_class'::regclass AND objid = indexrelid AND refclassid = 'pg_class'::regclass
      AND (indexprs IS NOT NULL OR indpred IS NOT NULL)))
"""
RANGES = """
SELECT coalesce(json_agg(format('%I.%I', nspname, relname) ORDER BY nspname, relname), '[]')
FROM pg_partitioned_table JOIN pg_class AS t ON t.oid = partrelid JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE partstrat = 'r'
  AND EXISTS (SELECT FROM unnest(partcollation::oid[]) AS one WHERE one = ANY (ARRAY[{oids}]::oid[]))
"""
MISMATCHES = """
SELECT coalesce(json_agg(datname ORDER BY datname), '[]') FROM pg_database
WHERE datcollversion <> pg_database_collation_actual_version(oid)
"""


class Versions(TypedDict):
    """The answer to STORED: the versions that a database has stored; None for a collation without one."""

    default: str | None
    others: dict[str, str | None]


class Collation(TypedDict):
    """A collation of the C library or of ICU."""

    oid: int
    name: str
    quoted: str
    stored: str | None
    actual: str | None


class Actual(TypedDict):
    """The answer to ACTUAL: the versions of today."""

    default: str | None
    others: list[Collation]


def stored(one: Server) -> dict[str, Versions]:
    """Return the versions that each database of the cluster has stored."""
    return {name: json.loads(one.ask(STORED, name)) for name in one.databases()}


def changed(before: Versions, now: Actual) -> list[int]:
    """Return the OIDs of the collations whose version is another one than it was; an unknown one counts.

    A collation without a version, like C, never changes.
    """
    found = [DEFAULT] if now["default"] is not None and now["default"] != before["default"] else []
    for one in now["others"]:
        if one["actual"] is not None and one["name"] in before["others"]:
            found += [one["oid"]] if before["others"][one["name"]] != one["actual"] else []
    return found


def mend(new: Server, before: Mapping[str, Versions]) -> tuple[dict[str, list[str]], list[str]]:
    """Build the indexes anew that depend on a collation that has changed, and store the version of today.

    Returns the indexes of each database, and sentences about what no index mends. Raises PostgresqlError if one cannot
    be built, as with a unique one that two equal values have got into.
    """
    rebuilt: dict[str, list[str]] = {}
    notes = []
    for database, versions in before.items():
        now: Actual = json.loads(new.ask(ACTUAL, database))
        oids = ", ".join(map(str, changed(versions, now)))
        if oids:
            indexes = [str(name) for name in json.loads(new.ask(INDEXES.format(oids=oids), database))]
            if indexes:
                new.ask("; ".join(f"REINDEX INDEX {name}" for name in indexes), database)
                rebuilt[database] = indexes
            if ranges := json.loads(new.ask(RANGES.format(oids=oids), database)):
                notes.append(
                    f"{harmless(database)}: {harmless(', '.join(ranges))}: partitions by ranges of text, whose order "
                    "may have changed. Check that each row is in the partition of its value; no index mends that."
                )
        if refreshed := _refresh(now):
            new.ask("; ".join(refreshed), database)
    for database in json.loads(new.ask(MISMATCHES)):
        new.ask(f"ALTER DATABASE {identifier(database)} REFRESH COLLATION VERSION")
    return rebuilt, notes


def _refresh(now: Actual) -> Sequence[str]:
    known = [one for one in now["others"] if one["stored"] and one["actual"]]
    differ = [one["quoted"] for one in known if one["stored"] != one["actual"]]
    return [f"ALTER COLLATION {name} REFRESH VERSION" for name in differ]
