# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare what the models of the release that is served need with what the migrations make of their tables.

A rehearsal requests pages, but it neither logs in nor writes. This finds two errors that no such page shows: a column
that is gone, and a new one without which PostgreSQL and SQLite refuse each row that the older release adds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

# By table and column: whether an INSERT must name the column.
Columns = Mapping[tuple[str, str], bool]
# By table: the columns that the models of a release name in each of their queries.
Models = Mapping[str, Sequence[str]]
POSTGRESQL = """
SELECT relname, attname, attnotnull AND NOT atthasdef AND attidentity = '' AS is_required
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute ON attrelid = c.oid
WHERE attnum > 0 AND NOT attisdropped AND c.oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm', 'f')
  AND pg_catalog.pg_table_is_visible(c.oid)
"""
# A number as the only primary key gets its value by itself. `hidden` is 2 or 3 for a column that is computed.
SQLITE = """
SELECT m.name, c.name, c."notnull" AND c.dflt_value IS NULL AND c.pk = 0 AND c.hidden = 0
FROM sqlite_master AS m, pragma_table_xinfo(m.name) AS c WHERE m.type IN ('table', 'view')
"""
# Printed by a process of the release. Django makes the table of a many-to-many field into a model of its own.
READ_MODELS = """
import json, os, sys
output = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
import django
django.setup()
from django.apps import apps
found = {}
for model in apps.get_models(include_auto_created=True):
    if not model._meta.proxy:
        found.setdefault(model._meta.db_table, []).extend(one.column for one in model._meta.local_concrete_fields)
print(json.dumps(found), file=output, flush=True)
sys.stdout.flush()
os._exit(0)
"""
MAX_NAME = 200  # characters
MAX_SHOWN = 10
END = "Its visitors see errors from the migration until the switch, and a rollback would not help."
UNREAD = (
    "The models of the release that is served could not be read, so only its pages show whether the way back is open."
)


def columns(rows: Iterable[Sequence[object]]) -> dict[tuple[str, str], bool]:
    """Return the columns that the rows of a query name."""
    return {(str(table), str(column)): bool(is_required) for table, column, is_required in rows}


def read_models(printed: str) -> Models | None:
    """Return what a process of the release has *printed* of its models, which is untrusted; None if it is no report."""
    try:
        return {str(table): [str(one) for one in names] for table, names in json.loads(printed).items()}
    except (AttributeError, TypeError, ValueError, RecursionError):
        return None


def closed(models: Models, before: Columns, after: Columns) -> list[str]:
    """Return why the release with these *models* fails after the migrations: sentences, at most ten and a count."""
    found = list(_closed(models, before, after))
    more = [f"The way back is closed by {len(found) - MAX_SHOWN} more changes of this kind."]
    return found[:MAX_SHOWN] + (more if len(found) > MAX_SHOWN else [])


def _closed(models: Models, before: Columns, after: Columns) -> Iterator[str]:
    tables = {table for table, _column in after}
    for table, known in sorted(models.items()):
        shown = harmless(table)[:MAX_NAME]
        lost = [one for one in dict.fromkeys(known) if (table, one) in before and (table, one) not in after]
        if lost and table not in tables:
            yield _taken(f"the table {shown}")
            continue
        yield from (_taken(f"the column {shown}.{harmless(one)[:MAX_NAME]}") for one in lost)
        # A table that this release does not know yet gets no rows from it.
        had_table = any((table, one) in before for one in known)
        required = [
            harmless(column)[:MAX_NAME]
            for (name, column), is_required in after.items()
            if name == table and is_required and not before.get((name, column)) and column not in known
        ]
        if had_table and required:
            what = f"{'column' if len(required) == 1 else 'columns'} {', '.join(sorted(required))}"
            yield (
                f"The way back is closed: the release that is served cannot add rows to {shown}, because it does not "
                f"know the {what} there, which the migrations require without a default in the database (a field's "
                f"db_default makes one). {END}"
            )


def _taken(need: str) -> str:
    return f"The way back is closed: the release that is served needs {need}, which the migrations take away. {END}"
