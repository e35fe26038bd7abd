# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run SQL on a server of this host as its superuser, over the unix socket. Names and texts in it are quoted here."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import (
    SUPERUSER,
    PostgresqlError,
    RunCommand,
    psql,
)

# Most extensions are made in the schema of this name. The others name their own, in which PostgreSQL makes them.
EXTENSIONS = """
SELECT extname || CASE WHEN EXISTS (
  SELECT FROM pg_available_extension_versions AS known
  WHERE known.name = extname AND known.version = extversion AND known.schema IS NOT NULL
) THEN '' ELSE ' SCHEMA public' END FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY oid
"""
AVAILABLE = """
SELECT name || CASE WHEN bool_or(schema IS NOT NULL) THEN '' ELSE ' SCHEMA public' END
FROM pg_available_extension_versions WHERE name IN ({}) GROUP BY name ORDER BY name
"""


def ask(run: RunCommand, sql: str, database: str = SUPERUSER) -> str:
    """Return the rows of *sql*, with columns separated by `|`. It is psql's input, which no other user can read."""
    code, out, err = run(psql(database), data=f"{sql};\n", cwd="/")
    if code:
        raise PostgresqlError(f"PostgreSQL refused: {harmless(' '.join(err.split()))[-500:]}")
    return out


def extensions(run: RunCommand, database: str) -> dict[str, str]:
    """The extensions of *database*, each with the SQL that makes it elsewhere."""
    found = [line.partition(" ") for line in ask(run, EXTENSIONS, database).splitlines()]
    return {name: _make_extension(name, schema) for name, _space, schema in found}


def available(run: RunCommand, names: Iterable[str]) -> dict[str, str]:
    """Those of the extensions *names* whose files the server has, each with the SQL that makes it."""
    wanted = ", ".join(map(literal, names))
    found = [line.partition(" ") for line in ask(run, AVAILABLE.format(wanted)).splitlines()] if wanted else []
    return {name: _make_extension(name, schema) for name, _space, schema in found}


def _make_extension(name: str, schema: str) -> str:
    return f"CREATE EXTENSION IF NOT EXISTS {identifier(name)}{' ' if schema else ''}{schema} CASCADE"


def identifier(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text; standard_conforming_strings is on for each connection by default."""
    return "'" + text.replace("'", "''") + "'"
