# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rehearsal of a deployment: apply a candidate's migrations to copies of the databases, and say what they do.

Nothing live is changed. All that a rehearsal makes is in one directory, in databases of one purpose and in units of one
name; a killed one is cleaned up by the next run of the app.
"""

from __future__ import annotations

import inspect
import json
import os
import secrets
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace

from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts, in_sandbox
from ansible_collections.gatehouse.django.plugins.module_utils._app.build import Build
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Rehearse
from ansible_collections.gatehouse.django.plugins.module_utils._app.report import Report
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail
from ansible_collections.gatehouse.django.plugins.module_utils._backup import databases, project_data
from ansible_collections.gatehouse.django.plugins.module_utils._backup.before_migration import project_of
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import escape_dollars, systemd_run
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.copy_server import CopyServer
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.scratch import Scratch
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal import (
    comparison,
    copies,
    findings,
    process,
    schema,
    verification,
)
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.comparison import Page, Visit
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.copies import Copy
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.copying import Copying
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.verification import UNTOUCHED
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.visitor import Visitor
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.watch import Watch

FIRST_PAGE = "/"


class Rehearsal:
    """The rehearsal of one app."""

    def __init__(self, tools: Tools, app: App) -> None:
        self.tools, self.app = tools, app
        self.directory = os.path.join(app.copies, copies.PURPOSE)
        self.data = os.path.join(self.directory, "data")
        self.environment = os.path.join(self.directory, "env")
        self.program = os.path.join(self.directory, "program")
        # No app can have units of these names.
        self.unit = f"gatehouse-{copies.PURPOSE}@{app.name}.service"
        socket = os.path.join(self.directory, "web.sock")
        self._visitor = Visitor(tools, f"gatehouse-{copies.PURPOSE}-web@{app.name}", socket)
        self.scratch = Scratch(app.copy_user, tools.attempt)
        # For databases of another host: then all copies are there.
        self._server = CopyServer(app.name, app.copies, app.copy_user, copies.PURPOSE, run=tools.attempt)
        self._has_server = False
        self._copying = Copying(tools, app, self.directory, self.unit, self.scratch)
        # What the operator is told, one line each.
        self.lines: list[str] = []

    def clean_up(self) -> None:
        """Remove what a rehearsal has made, also one that was killed."""
        has_server = os.path.lexists(self._server.directory)
        if not has_server and not os.path.lexists(self.directory):
            return
        self._visitor.stop()
        # systemd keeps a unit that has failed.
        self.tools.attempt(["systemctl", "stop", self.unit])
        self.tools.attempt(["systemctl", "reset-failed", self.unit])
        try:
            for name in [] if has_server else copies.made(self.tools.attempt, self.scratch):
                self.scratch.drop(name.removeprefix(f"{self.scratch.user}-"))
        except PostgresqlError as error:
            raise ReleaseError(f"The copy of a rehearsal that was interrupted cannot be removed: {error}") from error
        # Last: while it exists, the rest is looked for.
        tree.remove_tree(self.directory)
        self._server.remove()
        # Others can have copies there.
        with suppress(OSError):
            os.rmdir(self.app.copies)

    def run(self, build: Build, found: Report, options: Rehearse, pages: Sequence[Page]) -> None:
        """Rehearse the migrations of *build*; raise ReleaseError if they fail, or find what the *options* refuse.

        *pages* are those that visitors have requested lately.
        """
        try:
            accounts.ensure_copy_user(self.tools, self.app)
            self.clean_up()
            try:
                self._rehearse(build, found, options, pages)
            finally:
                self.clean_up()
        except (PostgresqlError, BackupError) as error:
            raise ReleaseError(f"{error}\n{UNTOUCHED}") from error

    def _rehearse(self, build: Build, found: Report, options: Rehearse, pages: Sequence[Page]) -> None:
        started = time.monotonic()
        self._make_directories(build.params["writable"])
        self.tools.enter("rehearsal: copy")
        live = self._databases_of(build)
        made = copies.plan(self.app, live, self.data, self.scratch)
        self._has_server = any(map(copies.is_far, live))
        if self._has_server:
            self._server.start(max(one.major for one in live))
            self._copying.use(self._server, replace(project_of(build), unit=self.unit))
        for copy in made:
            self.lines += filter(None, [self._copying.make(copy)])
        self._give(self.data)
        process.write_program(self.program, build.plan["files"][f"{process.SETTINGS}.py"])
        copied = time.monotonic() - started
        is_served = self.app.is_complete(self.app.current())
        pages = self._pages(build, found, pages) if is_served else []
        self.tools.enter("rehearsal: pages before")
        before = self._ask_served(made, pages) if is_served else {}
        columns = self._copying.columns(made)
        self.tools.enter("rehearsal: migrate")
        migrations = self._migrate(build, found, made)
        has_locks = any(copy.live.vendor == "postgresql" for copy in made)
        self.lines.insert(0, f"Rehearsal on a copy of the data (made in {copied:.1f} s):")
        self.lines += [one.sentence(has_locks=has_locks) for one in migrations]
        refused = list(findings.refusals(migrations, options["refuse_locks_over"]))
        if is_served:
            self.tools.enter("rehearsal: pages after")
            served = self._ask_served(made, pages)
            candidate = self._ask(build.path, build.plan["sandbox"], made, pages)
            compared = comparison.compare(before, served, candidate, self._closed(columns, made))
            self.lines += compared.lines
            refused += compared.errors if options["refuse_new_errors"] else []
        if refused:
            others = [line for line in self.lines if line not in refused]
            raise ReleaseError("\n".join([*others, "Refused:", *refused, UNTOUCHED]))

    def _make_directories(self, writable: Sequence[str]) -> None:
        for path in (self.app.copies, self.directory, self.data):
            if not os.path.isdir(path):
                os.mkdir(path)
            os.chmod(path, 0o711)
        for name in ("media", *writable):
            os.makedirs(os.path.join(self.data, name), exist_ok=True)

    def _databases_of(self, build: Build) -> list[databases.Database]:
        """Return the databases in the candidate's settings, with their sizes if one is on another host."""
        live = databases.parse(self._report(build, []))[0]
        if not any(map(copies.is_far, live)):
            return live
        # All of them are copied to the same server.
        measured = [one.alias for one in live if one.vendor == "postgresql"]
        return databases.parse(self._report(build, measured))[0]

    def _report(self, build: Build, measured: Sequence[str]) -> dict[str, object]:
        source = inspect.getsource(project_data)
        code, out, err = build.user.attempt([build.user.python, "-c", source, "report", *measured])
        try:
            answer = json.loads(err.strip().splitlines()[-1]) if code == 0 else None
        except (LookupError, ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ReleaseError(f"The settings of the candidate cannot be read ({code}):\n{tail(err or out)}")
        return answer

    def _give(self, top: str) -> None:
        """Give what root has made there to the user of copies."""
        user, group = accounts.ids_of(self.app.copy_user)
        for entry in tree.entries(top):
            os.chown(entry.path, user, group, follow_symlinks=False)
        os.chown(top, user, group)

    def _migrate(self, build: Build, found: Report, made: Sequence[Copy]) -> list[findings.Migration]:
        """Apply the migrations to the copies; raise ReleaseError if they fail, or are not recorded afterwards."""
        run = self._server.run if self._has_server else run_bounded
        watches = [
            (copy, Watch(copy.where, self.scratch.user, run)) for copy in made if copy.live.vendor == "postgresql"
        ]
        aliases, token = ",".join(build.params["migrate_databases"]), secrets.token_hex(16)
        program = os.path.join(build.path, "gatehouse", "gatehouse_rehearse.py")
        with ExitStack() as stack:
            for _copy, watch in watches:
                stack.enter_context(watch.watching())
            code, out, err = self._run(
                build.path, build.plan["sandbox"], made, [build.user.python, program, aliases], token
            )
        migrations = findings.read(out, token)
        for copy, watch in watches:
            findings.add_seen(migrations or [], copy.aliases, watch.seen)
        if code or migrations is None:
            raise ReleaseError(verification.failure(self.app, migrations or [], code, err))
        verification.verify(found.migrations, made, self._copying.applied)
        return migrations

    def _run(
        self, release: str, sandbox: Sequence[str], made: Sequence[Copy], command: Sequence[str], data: str
    ) -> tuple[int, str, str]:
        """Run *command* of a release on the copies, with *data* as its input."""
        properties = self._properties(release, sandbox, made)
        path = f"PATH={release}/venv/bin:${{PATH}}"
        words = ["/usr/bin/env", path, *map(escape_dollars, command)]
        # As the live migration, it may take any time.
        return self.tools.attempt([*systemd_run(properties, self.unit), *words], data=data)

    def _properties(self, release: str, sandbox: Sequence[str], made: Sequence[Copy]) -> list[str]:
        given = process.environment_of(release)
        process.write_environment(self.environment, given, self.program, self.app.copy_user, made)
        bound = self._server.bound if self._has_server else []
        return [*process.properties(self.app, release, sandbox, self.data, self.environment), *bound]

    def _pages(self, build: Build, found: Report, pages: Sequence[Page]) -> list[Page]:
        """Return the page of the health check, the first page, and *pages*, each once."""
        host = build.plan["health"]["host"] or found.health_host
        return list(dict.fromkeys([(host, build.plan["health"]["path"]), (host, FIRST_PAGE), *pages]))

    def _ask_served(self, made: Sequence[Copy], pages: Sequence[Page]) -> dict[Page, Visit]:
        """Return the answers of the release that is served, when it runs on the copies."""
        current = self.app.current()
        return self._ask(self.app.release(current), self._sandbox_of(current), made, pages)

    def _closed(self, before: schema.Columns, made: Sequence[Copy]) -> list[str]:
        """Return what closes the way back, as the tables of the copies show, which had the columns *before*."""
        release = self.app.release(self.app.current())
        command = [os.path.join(release, "venv", "bin", "python"), "-c", schema.READ_MODELS]
        _code, out, _err = self._run(release, self._sandbox_of(self.app.current()), made, command, "")
        models = schema.read_models(out)
        self.lines += [schema.UNREAD] if models is None else []
        return schema.closed(models or {}, before, self._copying.columns(made))

    def _sandbox_of(self, release: str) -> list[str]:
        """Return the properties of the processes of a release that was deployed."""
        manage = os.path.join(self.app.home, "manage")
        return in_sandbox.properties_of(self.app.record(release)["units"].get(manage, ""))

    def _ask(
        self, release: str, sandbox: Sequence[str], made: Sequence[Copy], pages: Sequence[Page]
    ) -> dict[Page, Visit]:
        properties = self._properties(release, sandbox, made)
        return self._visitor.ask(release, properties, process.environment_of(release), pages)
