# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run SQL on the host's own server as its superuser, over the unix socket. Names and texts in it are quoted here."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import (
    SUPERUSER,
    PostgresqlError,
    RunCommand,
)


def ask(run: RunCommand, sql: str, database: str = SUPERUSER) -> str:
    """Return the rows of *sql*, with columns separated by `|`. It is psql's input, which no other user can read."""
    command = [
        *("runuser", f"--user={SUPERUSER}", "--"),
        *("psql", "-qAtX", "--set=ON_ERROR_STOP=1", f"--dbname={database}"),
    ]
    code, out, err = run(command, data=f"{sql};\n", cwd="/")
    if code:
        raise PostgresqlError(f"PostgreSQL refused: {harmless(' '.join(err.split()))[-500:]}")
    return out


def identifier(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text; standard_conforming_strings is on for each connection by default."""
    return "'" + text.replace("'", "''") + "'"
