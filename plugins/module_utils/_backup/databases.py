# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dump and load the databases of an app. A process of the app's user in its sandbox does it; root gets only bytes.

The app decides what it reports and what its dump contains. So a report is checked, and a dump is never read by root.
"""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app import in_sandbox
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import lost_writes, project_data
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Dump, StoredDatabase
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact, secrets_of
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import environment, escape_dollars
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

ALIAS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
NAME = re.compile(r"[^\x00-\x1f]{0,4000}")
MAX_SIZE = 1 << 60
LIMIT_SECONDS = 12 * 3600
# For what reads and writes no data of the size of the database.
SHORT_LIMIT_SECONDS = 600
LONG = ("dump", "load")
LOW_PRIORITY = ("Nice=19", "IOSchedulingClass=idle", "CPUWeight=10")
# A full disk would harm all apps of the host: of each file system, so much stays free.
KEPT_FREE_PART, MAX_KEPT_FREE = 0.1, 5 << 30
# The process writes into a pipe, so that it never has root's file. Another process of the app can keep the pipe open.
DUMP = """
limit=$1 file=$2 tries=$3; shift 3; umask 077
exec 3> >(exec head --bytes="$limit" >"$file" 3>&-); reader=$!
"$@" >&3 3>&-; code=$?
exec 3>&-
for _try in $(seq "$tries"); do kill -0 $reader 2>/dev/null || exit $code; sleep 0.1; done
kill $reader; echo "another process keeps the output open" >&2; exit 1
"""
TRIES = "100"  # each takes 0.1 s
LOAD = 'file=$1; shift; exec "$@" <"$file"'
NOTHING = 'exec "$@" </dev/null'


@dataclass(frozen=True)
class Database:
    """A database of the settings; *path* is the file of SQLite, empty for others and for one in memory."""

    alias: str
    vendor: str
    name: str
    path: str
    host: str
    port: str
    user: str
    # Bytes of a dump, the major version of the server, and bytes with all indexes, if they were asked for.
    size: int = 0
    major: int = 0
    whole: int = 0

    @property
    def file(self) -> str:
        """The name of its dump."""
        return f"{self.alias}.{'sqlite3' if self.vendor == 'sqlite' else 'pgdump'}"

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What two aliases of one database have in common."""
        return self.vendor, self.name, self.host, self.port

    def stored(self, data: str, dump: Dump) -> StoredDatabase:
        """What a manifest records of it and its *dump*; *data* is the directory of the app's data."""
        return {
            "alias": self.alias,
            "vendor": self.vendor,
            "name": self.name,
            "host": self.host,
            "file": self.file,
            "path": self.below(data),
            "version": dump["version"],
            "rows": dump["rows"],
            "roles": dump["roles"],
            "extensions": dump["extensions"],
            "writes": dump["writes"],
        }

    def below(self, data: str) -> str:
        """The path of its file below the directory *data*, empty if it is elsewhere."""
        relative = os.path.relpath(self.path, data) if self.path else ""
        return "" if relative.startswith("..") else relative


@dataclass(frozen=True)
class Project:
    """The release whose code is run, by its path; *manage* is the text of that script for one without a record."""

    release: str
    manage: str | None = None
    unit: str = ""  # of its processes; without it, systemd chooses a name for each


def read(app: App) -> tuple[list[Database], dict[str, str], list[str]]:
    """Return the databases to back up, the versions of Django and Python, and what is left out and why."""
    answer = run(app, ["report"], NOTHING)
    found, versions = parse(answer)
    chosen: dict[tuple[str, str, str, str], Database] = {}
    left_out = []
    for one in found:
        if one.vendor not in project_data.KINDS:
            left_out.append(
                f"DATABASES['{one.alias}'] is not in the backup: Gatehouse dumps PostgreSQL and SQLite, not "
                f"{harmless(one.vendor)}. Back it up with the tools of that database."
            )
        elif one.vendor != "sqlite" or one.path:
            chosen.setdefault(one.identity, one)
    return list(chosen.values()), versions, left_out


def parse(answer: Mapping[str, Any]) -> tuple[list[Database], dict[str, str]]:
    """Return what a report contains: the databases of the settings, and the versions of Django and Python."""
    try:
        found = [_database(str(alias), given) for alias, given in answer["databases"].items()]
        return found, {name: str(answer["versions"][name])[:50] for name in ("django", "python")}
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise BackupError("The project's settings cannot be read: their process printed no report.") from error


def dump(app: App, database: Database, target: Path, level: int = 0, project: Project | None = None) -> Dump:
    """Write a dump of the *database* into the file *target*; return its version, and the rows of its tables.

    *level* is that of pg_dump's compression.
    """
    limit = room(str(target.parent))
    answer = run(app, ["dump", database.alias, str(level)], DUMP, [str(limit), str(target), TRIES], project)
    if target.stat().st_size >= limit:
        raise BackupError(
            f"DATABASES['{database.alias}'] does not fit: a dump needs its whole size for a while, and {target.parent} "
            f"has {limit} bytes for it."
        )
    try:
        return {
            "version": str(answer.get("version"))[:50],
            "rows": {str(name)[:200]: int(number) for name, number in dict(answer.get("rows") or {}).items()},
            "roles": [str(name)[:64] for name in list(answer.get("roles") or [])],
            "extensions": [str(name)[:64] for name in list(answer.get("extensions") or [])],
            "writes": lost_writes.checked(answer.get("writes")),
        }
    except (TypeError, ValueError, OverflowError) as error:
        raise BackupError(f"DATABASES['{database.alias}']: the process that dumped it printed no report.") from error


def room(directory: str) -> int:
    """The bytes that dumps may take in *directory*: a tenth of its file system, at most 5 GB, stays free."""
    space = os.statvfs(directory)
    kept = min(int(space.f_blocks * space.f_frsize * KEPT_FREE_PART), MAX_KEPT_FREE)
    return max(0, space.f_bavail * space.f_frsize - kept)


def run(
    app: App, words: Sequence[str], script: str, arguments: Sequence[str] = (), project: Project | None = None
) -> dict[str, Any]:
    """Run project_data.py with *words*, connected by *script*; return its report.

    Without a *project*, the served release runs it.
    """
    project = project or Project(app.release(app.current()))
    release = project.release
    source = inspect.getsource(project_data)
    limit = LIMIT_SECONDS if words[0] in LONG else SHORT_LIMIT_SECONDS
    start = in_sandbox.command(app, release, limit, LOW_PRIORITY, project.manage, project.unit)
    command = [*start, "-c", escape_dollars(source), *words]
    code, _out, err = run_bounded(
        ["setpriv", "--pdeathsig", "TERM", "--", "bash", "-c", script, "bash", *arguments, *command]
    )
    *messages, last = err.strip().splitlines() or [""]
    try:
        answer = json.loads(last) if code == 0 else None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        hidden = secrets_of(environment(f"{release}/env"))
        reason = harmless(redact(" ".join([*messages[-3:], last]), hidden))[-600:].strip()
        raise BackupError(
            f"'{' '.join(words)}' of the project's data failed ({code}): {reason or 'it printed nothing'}"
        )
    return answer


def _database(alias: str, given: Any) -> Database:
    names = ("vendor", "name", "path", "host", "port", "user")
    found = {name: str(given[name]) for name in names}
    if not ALIAS.fullmatch(alias) or not all(NAME.fullmatch(text) for text in found.values()):
        raise BackupError(f"DATABASES['{harmless(alias)[:80]}'] has a name that no file of a backup can have.")
    if found["path"] and os.path.normpath(found["path"]) != found["path"]:
        raise BackupError(f"DATABASES['{alias}']: '{harmless(found['path'])}' is not a path.")
    size, major, whole = (min(int(given.get(name) or 0), MAX_SIZE) for name in ("size", "major", "whole"))
    return Database(alias=alias, size=size, major=major, whole=whole, **found)
