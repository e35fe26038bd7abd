# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load a database of a backup before the app has a release, whose code would do it otherwise."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import postgresql, project_data
from ansible_collections.gatehouse.django.plugins.module_utils._backup.copy_plan import Copy
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Manifest
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import systemd_run
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.databases import RELATIONS
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.scratch import (
    INPUT,
    LIMIT_SECONDS,
    ROWS,
    SANDBOX,
)


def databases_of(app: App, manifest: Manifest, snapshot: str) -> tuple[list[Database], list[str]]:
    """The databases of the *manifest* of a *snapshot* that belong onto this host, as the settings would name them.

    Returns also a sentence for each that is on another host, which is not lost with this one. It names the snapshot,
    because the next backup has the empty database.
    """
    found, elsewhere = [], []
    for one in manifest["databases"]:
        alias, vendor, name, server = (str(one.get(key) or "") for key in ("alias", "vendor", "name", "host"))
        if vendor == "postgresql" and not postgresql.is_local(server):
            elsewhere.append(
                f"DATABASES['{harmless(alias)[:80]}'] is on {harmless(server)[:80]} and stays as it is. If that host "
                f"has lost it, too: ansible-playbook gatehouse.django.restore -e app={app.name} -e only=database "
                f"-e at={snapshot[:8]} -e confirm={app.name}"
            )
            continue
        path = os.path.normpath(os.path.join(app.data, str(one["path"]))) if one.get("path") else ""
        found.append(Database(alias, vendor, name, path, server, port="", user=""))
    return found, elsewhere


def check_server(databases: Sequence[Database], versions: Mapping[str, str]) -> None:
    """Raise BackupError unless the host's own server has each database of PostgreSQL, without tables.

    *versions* are those of the servers that the databases were dumped from, by alias; the host's must not be older.
    """
    for one in databases:
        if one.vendor != "postgresql":
            continue
        shown = harmless(one.name)
        try:
            is_missing = not postgresql.owner(one.name)
        except OSError as error:
            raise BackupError(f"The backup has the database '{shown}'; PostgreSQL on this host: {error}") from None
        if is_missing:
            raise BackupError(
                f"The backup has the database '{shown}', which PostgreSQL on this host does not have: set 'database: "
                "postgresql' in the app's entry, or restore the files only: -e only=files. Nothing was changed."
            )
        dumped, own = int(versions[one.alias].split(".")[0]), int(postgresql.ask("SHOW server_version_num")) // 10000
        if dumped > own:
            raise BackupError(
                f"The backup is of PostgreSQL {dumped}, which this host's PostgreSQL {own} cannot read: take a machine "
                "with the Debian of the lost host, or a newer one. Nothing was changed."
            )
        if has_tables(one.name):
            raise BackupError(
                f"The database '{shown}' is not empty, and a restore before the first release replaces nothing. Deploy "
                "the app with gatehouse.django.site; then the restore says what it would replace. Nothing was changed."
            )


def has_tables(name: str) -> bool:
    """Whether the database *name* exists and has tables, or anything like them."""
    return bool(postgresql.owner(name) and int(postgresql.ask(RELATIONS, name)))


def load(app: App, database: Database, name: str, dump: str, rows: Mapping[str, int]) -> dict[str, object]:
    """Load *dump* into the empty database *name* as the app's user, without network or files; return its rows.

    Raises BackupError unless all of it was loaded, and each table has the *rows* that the backup recorded.
    """
    # project_data.lost_in_load() reads its messages.
    properties = [f"User={app.name}", f"Group={app.name}", *SANDBOX, f"RuntimeMaxSec={LIMIT_SECONDS}"]
    properties.append("Environment=LC_ALL=C")
    command = ["pg_restore", "--no-password", f"--dbname={name}", "--no-owner", "--no-privileges", "--verbose"]
    shell = ["setpriv", "--pdeathsig", "TERM", "--", "bash", "-c", INPUT, "bash", dump]
    code, _out, err = run_bounded([*shell, *systemd_run(properties), *command], cwd="/")
    lost = project_data.lost_in_load(
        code, err, lambda: postgresql.ask(project_data.EXTENSION_TABLES, name).splitlines()
    )
    copy = Copy(database.alias, database.vendor, database.name, "", "", dict(rows))
    if not lost:
        copy.compare(_rows(app, name))
    if lost or copy.problems:
        postgresql.drop(name)
        said = [line.strip() for line in err.splitlines() if project_data.SAID.search(line)]
        problem = "PostgreSQL did not load all of it" if lost else copy.problems[0]
        raise BackupError(
            f"DATABASES['{database.alias}']: {problem}. pg_restore printed: "
            f"{harmless(lost or ' '.join(said))[-500:] or 'nothing'}"
        )
    return {"rows": dict(rows)}


def _rows(app: App, name: str) -> dict[str, int]:
    command = ["psql", "-qAtX", "--set=ON_ERROR_STOP=1", f"--dbname={name}"]
    command += ["--command=SET statement_timeout = 0", f"--command={ROWS}"]
    code, out, err = run_bounded(["runuser", f"--user={app.name}", "--", *command], cwd="/")
    if code:
        raise BackupError(f"The rows of the database cannot be counted: {harmless(' '.join(err.split()))[-500:]}")
    return {str(table): int(number) for table, number in dict(json.loads(out or "{}")).items()}
