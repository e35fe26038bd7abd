# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the cluster that apps use, and ask it. postgresql-common keeps one cluster of each version and name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    POSTGRESQL_CONFIGURATION,
    POSTGRESQL_SHARED,
    UPGRADE_JOURNAL,
)

RunCommand = Callable[..., tuple[int, str, str]]
# Clients without another setting use this port, also in the name of the unix socket. So does DATABASE_URL.
PORT = "5432"
SUPERUSER = "postgres"
PROGRAM = "pg_lsclusters"
# The owner of a database chooses its search_path and what is in it. A question of the superuser must find nothing of
# that, read no text another way, and not wait for a lock of the owner. A client's settings win over the database's.
SETTINGS = "search_path=pg_catalog standard_conforming_strings=on lock_timeout=30s statement_timeout=600s"


class PostgresqlError(Exception):
    """The server refused, or the host's clusters do not fit; the text is for the operator."""


@dataclass(frozen=True)
class Cluster:
    """One cluster of the host."""

    major: str  # the version, like `17`
    name: str
    is_online: bool
    data: str = ""  # the directory of its data

    @property
    def settings_file(self) -> str:
        """Return the file with the settings of Gatehouse. The distribution's postgresql.conf includes it."""
        return f"{POSTGRESQL_CONFIGURATION}/{self.major}/{self.name}/conf.d/gatehouse.conf"

    @property
    def unit(self) -> str:
        """Return the unit of systemd that runs it."""
        return f"postgresql@{self.major}-{self.name}.service"

    @property
    def extensions(self) -> str:
        """Return the directory with the control files of its extensions."""
        return f"{POSTGRESQL_SHARED}/{self.major}/extension"


def find(run: RunCommand) -> Cluster | None:
    """Return the cluster on the usual port, None if the host has no cluster.

    Raise PostgresqlError if all of them have other ports.
    """
    code, out, err = run([PROGRAM, "--no-header"])
    if code != 0:
        raise PostgresqlError(f"{PROGRAM} failed ({code}): {err or out}")
    # Version, name, port, status, owner, directory of the data, log.
    found = [line.split() for line in out.splitlines() if line.strip()]
    for major, name, port, status, _owner, data, *_rest in found:
        if port == PORT:
            return Cluster(major, name, is_online=status.startswith("online"), data=data)
    if found and os.path.exists(UPGRADE_JOURNAL):
        raise PostgresqlError(
            "An upgrade of PostgreSQL works on this host, or was interrupted. In the second case, the playbook "
            "gatehouse.django.upgrade_postgresql with -e confirm=<host> undoes or finishes it. Nothing was changed."
        )
    if found:
        ports = ", ".join(f"{major}/{name} port {port}" for major, name, port, *_rest in found)
        raise PostgresqlError(
            f"PostgreSQL has no cluster on port {PORT}, where apps look for it (it has {ports}). "
            f"Set port = {PORT} in the postgresql.conf of one of them, and restart it."
        )
    return None


def psql(database: str = SUPERUSER, port: str = "") -> list[str]:
    """Return the command that runs SQL as the superuser, over the unix socket; columns are separated by `|`.

    Without a *port*, it is that of the apps.
    """
    options = " ".join(f"-c {setting}" for setting in SETTINGS.split())
    program = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
    chosen = [f"--port={port}"] if port else []
    start = ["runuser", f"--user={SUPERUSER}", "--", "env", f"PGOPTIONS={options}"]
    return [*start, *program, *chosen, f"--dbname={database}"]


def query(run: RunCommand, sql: str, database: str = SUPERUSER, port: str = "") -> Any:
    """Return the JSON value that *sql* selects, as the superuser."""
    return json.loads(execute(run, sql, database, port))


def execute(run: RunCommand, sql: str, database: str = SUPERUSER, port: str = "") -> str:
    """Run one statement as the superuser; return what it selects. It travels through standard input, not in argv."""
    code, out, err = run(psql(database, port), data=f"{sql};\n")
    if code != 0:
        raise PostgresqlError(f"PostgreSQL refused a question of its superuser '{SUPERUSER}': {(err or out).strip()}")
    return out
