# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Count what a cluster holds, to compare two of them, and what was written to one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.clusters import Server

SHOWN = 10
# One statement for all tables, as psql has no loops. Names without quotes: versions differ in the words that need them.
COUNT = """
(xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I', {schema}, {name}), false, true,
  '')))[1]::text::bigint
"""
CONTENT = f"""
SELECT json_build_object(
  'table', (SELECT coalesce(json_object_agg(schemaname || '.' || tablename,
      {COUNT.format(schema="schemaname", name="tablename")}), '{{}}')
    FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')),
  'materialized view', (SELECT coalesce(json_object_agg(schemaname || '.' || matviewname,
      {COUNT.format(schema="schemaname", name="matviewname")}), '{{}}') FROM pg_matviews WHERE ispopulated),
  'sequence', (SELECT coalesce(json_object_agg(schemaname || '.' || sequencename, last_value), '{{}}')
    FROM pg_sequences),
  'large objects', (SELECT json_build_object('all', count(*)) FROM pg_largeobject_metadata)
)
"""
# As _backup/lost_writes.py compares them.
WRITES = """
SELECT json_build_object('reset', (SELECT stats_reset::text FROM pg_stat_database WHERE datname = current_database()),
  'tables', (SELECT coalesce(json_object_agg(format('%I.%I', schemaname, relname),
    json_build_array(relid::bigint, n_tup_ins, n_tup_upd, n_tup_del)), '{}') FROM pg_stat_user_tables))
"""
# Numbers by database, kind and name.
Content = dict[str, dict[str, dict[str, int]]]


def count(one: Server) -> Content:
    """Return how many rows, values of sequences and large objects each database of the cluster has."""
    return {name: json.loads(one.ask(CONTENT, name)) for name in one.databases()}


def total(content: Content) -> tuple[int, int]:
    """Return how many tables and how many rows are in *content*."""
    tables = [rows for database in content.values() for rows in database["table"].values()]
    return len(tables), sum(tables)


def differences(before: Content, after: Content) -> list[str]:
    """Return what the two differ in, a sentence for each; empty if they are the same."""
    found = [
        *(f"database '{harmless(name)}' is missing" for name in before if name not in after),
        *(f"database '{harmless(name)}' was not there before" for name in after if name not in before),
    ]
    for name in sorted({*before} & {*after}):
        found += [f"{harmless(name)}: {text}" for text in _differ(before[name], after[name])]
    return [*found[:SHOWN], *([f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else [])]


def _differ(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    for kind, had in before.items():
        has = after[kind]
        for name in sorted({*had, *has}):
            if had.get(name, "none") != has.get(name, "none"):
                yield f"{kind} {harmless(name)} had {had.get(name, 'none')} and has {has.get(name, 'none')}"


def writes(one: Server) -> dict[str, object]:
    """Return the counters of what was written to each database of the cluster."""
    return {name: json.loads(one.ask(WRITES, name)) for name in one.databases()}
