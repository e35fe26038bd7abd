# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make copies of databases for a rehearsal, and ask them.

The distribution's programs read the live ones with the rights of the app; no code of the project runs for it.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail
from ansible_collections.gatehouse.django.plugins.module_utils._backup import databases
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import SYSTEM_PYTHON
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import escape_dollars, systemd_run
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import copy_server
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.copy_server import CopyServer
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.scratch import Scratch
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.superuser import ask, literal
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal import schema
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.copies import Copy

# The copy, and what the migrations write: a table that is rewritten exists twice for a while.
GROWTH = 2
FREE_PART = 0.9
SPACE = "SELECT pg_database_size({name}) || '|' || current_setting('data_directory')"
SANDBOX = (
    *("ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "PrivateDevices=yes", "PrivateNetwork=yes"),
    *("RestrictAddressFamilies=AF_UNIX", "NoNewPrivileges=yes", "CapabilityBoundingSet="),
)
# SQLite's own way to copy a database while others write (sqlite3_backup_init()): one moment, page by page. The mode of
# the journal belongs to the database, but a copy does not get it.
COPY_FILE = """
import contextlib, sqlite3, sys, urllib.parse
source = f"file:{urllib.parse.quote(sys.argv[1])}?mode=rw"
with contextlib.closing(sqlite3.connect(source, timeout=60, uri=True)) as live:
    with contextlib.closing(sqlite3.connect(sys.argv[2])) as copy:
        live.backup(copy)
        if live.execute("PRAGMA journal_mode").fetchone()[0].lower() == "wal":
            copy.execute("PRAGMA journal_mode=WAL")
"""
APPLIED = "SELECT app, name FROM django_migrations"
ASK_FILE = """
import json, sqlite3, sys, urllib.parse
copy = sqlite3.connect(f"file:{urllib.parse.quote(sys.argv[1])}?mode=ro", uri=True)
print(json.dumps(list(copy.execute(sys.argv[2]))))
"""
ROWS = "SELECT json_agg(json_build_array(app, name)) FROM ({sql}) AS found"
COLUMNS = "SELECT json_agg(json_build_array(relname, attname, is_required)) FROM ({sql}) AS found"
FILE_MODE = 0o640


class Copying:
    """Copies databases into *directory*, which only root can list, and into the server, with processes in *unit*."""

    def __init__(self, tools: Tools, app: App, directory: str, unit: str, scratch: Scratch) -> None:
        self._tools, self._app, self._directory, self._unit, self._scratch = tools, app, directory, unit, scratch
        self._server: CopyServer | None = None
        self._project: databases.Project | None = None

    def use(self, server: CopyServer, project: databases.Project) -> None:
        """Make the copies of databases on the *server*, which runs, from dumps that *project* makes."""
        self._server, self._project = server, project
        self._scratch = Scratch(self._app.copy_user, server.run, server.bound)

    def make(self, copy: Copy) -> str:
        """Make the copy; raise ReleaseError or PostgresqlError if it fails. Return what it lacks, usually nothing.

        A file belongs to root until the caller gives it away.
        """
        if copy.live.vendor == "postgresql":
            return self._copy_with_project(copy, self._server) if self._server else self._copy_database(copy)
        self._copy_file(copy)
        return ""

    def applied(self, copy: Copy) -> set[str]:
        """Return the migrations that are recorded in the copy, like `shop.0002_more`, as its user reads them."""
        if copy.live.vendor == "sqlite":
            out = self._ask([SYSTEM_PYTHON, "-ISc", ASK_FILE, copy.where, APPLIED])
        else:
            out = self._psql(copy, ROWS.format(sql=APPLIED))
        try:
            return {f"{app}.{name}" for app, name in json.loads(out) or []}
        except (ValueError, TypeError, RecursionError):
            return set()

    def columns(self, copies: Sequence[Copy]) -> schema.Columns:
        """Return the columns of all tables in the *copies*, as their user reads them."""
        found: dict[tuple[str, str], bool] = {}
        for copy in copies:
            if copy.live.vendor == "sqlite":
                out = self._ask([SYSTEM_PYTHON, "-ISc", ASK_FILE, copy.where, schema.SQLITE])
            else:
                out = self._psql(copy, COLUMNS.format(sql=schema.POSTGRESQL))
            with suppress(ValueError, TypeError, RecursionError):
                found |= schema.columns(json.loads(out) or [])
        return found

    def _copy_file(self, copy: Copy) -> None:
        if not os.path.lexists(copy.live.path):
            return
        stage = os.path.join(self._directory, "stage")
        new, size = os.path.join(stage, "copy"), os.lstat(copy.live.path).st_size
        self._check_space(self._directory, size)
        os.mkdir(stage, 0o700)
        os.chown(stage, *accounts.ids_of(self._app.name))
        program = [SYSTEM_PYTHON, "-ISc", COPY_FILE, copy.live.path, new]
        properties = [f"ReadWritePaths={self._app.data} {stage}"]
        code, out, err = self._tools.attempt([*self._as_app(properties), *map(escape_dollars, program)])
        if code:
            raise ReleaseError(f"'{harmless(copy.live.path)}' could not be copied ({code}): {tail(err or out, 3)}")
        found = os.lstat(new)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise ReleaseError(f"The copy of '{harmless(copy.live.path)}' is not a file of its own.")
        os.makedirs(os.path.dirname(copy.where), exist_ok=True)
        os.rename(new, copy.where)
        os.chmod(copy.where, FILE_MODE)
        os.rmdir(stage)

    def _copy_database(self, copy: Copy) -> str:
        name = copy.live.name
        size, place = ask(self._tools.attempt, SPACE.format(name=literal(name))).strip().split("|")
        self._check_space(place, int(size))
        self._scratch.create(copy.purpose, name)
        dump, space = os.path.join(self._directory, "dump"), os.statvfs(self._directory)
        limit = int(space.f_bavail * space.f_frsize * FREE_PART)
        where = [f"--host={copy.live.host}"] if copy.live.host.startswith("/") else []
        where += [f"--port={copy.live.port}"] if copy.live.port else []
        command = ["pg_dump", "--no-password", "--format=custom", "--compress=1", *where, f"--dbname={name}"]
        shell = ["bash", "-c", databases.DUMP, "bash", str(limit), dump, databases.TRIES]
        code, _out, err = self._tools.attempt([*shell, *self._as_app([]), *map(escape_dollars, command)], cwd="/")
        if os.path.exists(dump) and os.stat(dump).st_size >= limit:
            raise ReleaseError(
                f"A dump of '{harmless(name)}' does not fit: {self._directory} has {limit} bytes for it."
            )
        if code:
            raise ReleaseError(f"pg_dump of '{harmless(name)}' failed ({code}): {tail(err, 5)}")
        return self._fill(copy, dump)

    def _copy_with_project(self, copy: Copy, server: CopyServer) -> str:
        """Copy a database of another host to the *server*: the project knows how to connect to it."""
        self._check_space(self._directory, copy.live.whole + copy_server.SIZE)
        dump = Path(self._directory, "dump")
        found = databases.dump(self._app, copy.live, dump, 1, self._project)
        self._scratch.create_alone(copy.purpose, found["extensions"], server.major)
        return self._fill(copy, str(dump))

    def _fill(self, copy: Copy, dump: str) -> str:
        lost = self._scratch.fill(copy.purpose, dump)
        os.unlink(dump)
        # A new database has no statistics, and its queries would take other ways than those of the live one.
        self._psql(copy, "ANALYZE")
        return f"The copy of the database {harmless(copy.live.name)} lacks a part of it: {lost}" if lost else ""

    def _psql(self, copy: Copy, sql: str) -> str:
        return self._ask(["psql", "-qAtX", "--set=ON_ERROR_STOP=1", f"--dbname={copy.where}", f"--command={sql}"])

    def _ask(self, command: Sequence[str]) -> str:
        """Run *command* as the user of copies: what a database of the app runs has no other rights."""
        attempt = self._server.run if self._server else self._tools.attempt
        code, out, err = attempt(["runuser", f"--user={self._app.copy_user}", "--", *command], cwd="/")
        if code:
            raise ReleaseError(f"The copy cannot be read ({code}): {tail(err or out, 3)}")
        return out

    def _as_app(self, more: Sequence[str]) -> list[str]:
        user = (f"User={self._app.name}", f"Group={self._app.name}")
        return systemd_run([*user, *SANDBOX, *more], self._unit)

    def _check_space(self, place: str, size: int) -> None:
        space = os.statvfs(place)
        free = int(space.f_bavail * space.f_frsize * FREE_PART)
        if GROWTH * size > free:
            raise ReleaseError(
                f"A copy of the data, with what migrations write, can need {GROWTH * size} bytes, and {place} has "
                f"{free} for it. A full file system would harm the live data: free some, or remove rehearse."
            )
