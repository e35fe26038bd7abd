# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that runs beside a copy of an app's data, as a user that reaches no live data.

`rows FILE` counts the rows of a SQLite database, with the standard library only. `migrations JSON` asks a release
whether the copies have all its migrations, as `migrate --check` does; the JSON has what to change in DATABASES, by
alias. The answer is the last line of standard error, in JSON.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import sys
from importlib import import_module

# Of the live database's connection: where they lead is not the copy.
FOREIGN = (
    *("service", "passfile", "sslmode", "sslcert", "sslkey", "sslrootcert", "host", "hostaddr", "port", "user"),
    *("channel_binding", "require_auth", "target_session_attrs", "assume_role"),
)


def rows(path: str) -> dict[str, int]:
    """The rows of each table of a SQLite database; the same tables as a backup counts."""
    connection = sqlite3.connect(path)
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    )
    names = sorted(name for (name,) in tables.fetchall() if not name.startswith("sqlite_"))
    quoted = {name: '"{}"'.format(name.replace('"', '""')) for name in names}
    return {name: connection.execute(f"SELECT count(*) FROM {quoted[name]}").fetchone()[0] for name in names}


def migrations(changes: dict[str, dict[str, str]]) -> dict[str, list[str]]:
    """The migrations that each database lacks; raises for a database whose history contradicts the release."""
    import_module("django").setup()
    connections = import_module("django.db").connections
    for alias, change in changes.items():
        settings = connections[alias].settings_dict
        settings.update(change)
        settings["OPTIONS"] = {
            name: one for name, one in (settings.get("OPTIONS") or {}).items() if name not in FOREIGN
        }
    return {alias: _lacking(connections[alias], alias) for alias in changes}


def _lacking(connection: object, alias: str) -> list[str]:
    executor = import_module("django.db.migrations.executor").MigrationExecutor(connection)
    executor.loader.check_consistent_history(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    lacking = [f"{one.app_label}.{one.name}" for one, _is_backwards in plan]
    printed = io.StringIO()
    try:
        import_module("django.core.management").call_command(
            "migrate", database=alias, check_unapplied=True, interactive=False, stdout=printed, stderr=printed
        )
    except SystemExit as end:
        if end.code and not lacking:
            lacking = [printed.getvalue().strip()[-500:] or f"migrate --check ended with {end.code}"]
    return lacking


def main() -> None:
    """Run the action of the command line."""
    action, argument = sys.argv[1:]
    os.umask(0o077)
    # What the project prints while it is imported is no answer.
    os.dup2(2, 1)
    answer = rows(argument) if action == "rows" else migrations(json.loads(argument))
    sys.stdout.flush()
    sys.stderr.write(f"\n{json.dumps(answer)}\n")
    sys.stderr.flush()
    # A thread that the project started must not keep the process running.
    os._exit(0)


if __name__ == "__main__":
    main()
