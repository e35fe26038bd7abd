# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build a release in its own directory, which is moved away when a phase fails."""

from __future__ import annotations

import grp
import os
import pwd
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from ansible_collections.gatehouse.django.plugins.module_utils._app import (
    accounts,
    commands,
    dependencies,
    git,
    preparation,
    release_files,
    report,
    store,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app import source as sources
from ansible_collections.gatehouse.django.plugins.module_utils._app import static as static_files
from ansible_collections.gatehouse.django.plugins.module_utils._app import venv as venvs
from ansible_collections.gatehouse.django.plugins.module_utils._app.app_user import AppUser
from ansible_collections.gatehouse.django.plugins.module_utils._app.build_venv import BuildVenv
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
from ansible_collections.gatehouse.django.plugins.module_utils._app.interpreter import Interpreter
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.node import name_of
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Params, Private
from ansible_collections.gatehouse.django.plugins.module_utils._app.progress import PREPARE
from ansible_collections.gatehouse.django.plugins.module_utils._app.shared_tools import SharedTools
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import (
    ALLOWED_HOSTS,
    ALLOWS_NONE,
    CONFIGURATION_CHARACTERS,
    HEALTH_HOST,
    Health,
    Plan,
    Release,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.writable import link_to_data
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree


class Build:
    """One candidate release of an app."""

    def __init__(
        self,
        tools: Tools,
        app: App,
        builder: Builder,
        identifier: str,
        params: Params,
        private: Private,
    ) -> None:
        self.tools, self.app, self.builder, self.id = tools, app, builder, identifier
        self.params, self.private = params, private
        self.plan: Plan = params["plan"]
        self.path = app.release(identifier)
        self.source = os.path.join(self.path, "src")
        self.project = os.path.normpath(os.path.join(self.source, params["source"].get("subdirectory") or ""))
        self.static = os.path.join(self.path, "static")
        self.venv = os.path.join(self.path, "venv")
        self.user = AppUser(tools, app, identifier, self.plan["sandbox"])
        self.shared = SharedTools(tools, self.plan, private)
        self._environment = BuildVenv(tools, app, builder, self.shared, params, private, self.path)
        self.owner = (0, 0)
        self.dependencies = ""
        # Is called before databases with data are migrated, and raises ReleaseError to end the deployment.
        self.before_migration: Callable[[Build, report.Report], None] | None = None
        # What the module tells the operator after the switch.
        self.unused: list[str] = []
        self.ignored_checks: list[str] = []

    def run(self, interpreter: Interpreter, fetch: sources.Fetch) -> Release:
        """Build the release and return the content of its `release.json`."""
        python = self._begin(interpreter)
        with self._kept_if_it_fails():
            modules = self._make(python, interpreter, fetch)
            return self._complete(self._prepare(), modules)

    @contextmanager
    def _kept_if_it_fails(self) -> Iterator[None]:
        try:
            yield
        except (ReleaseError, OSError) as error:
            raise ReleaseError(f"{error}\n{store.put_aside(self.app, self.id)}".rstrip()) from error

    def _begin(self, interpreter: Interpreter) -> str:
        """Make the directory of the release, and return the path of its Python."""
        for name in os.listdir(self.app.releases):
            if not self.app.is_complete(name):
                tree.remove_tree(self.app.release(name))
        self.owner = accounts.ids_of(self.app.builder)
        # Until protect() has run, only root and the building user can read the source.
        os.mkdir(self.path, 0o750)
        os.chown(self.path, 0, self.owner[1])
        return interpreter.path or self.shared.python_for(self.path, interpreter)

    def _make(self, python: str, interpreter: Interpreter, fetch: sources.Fetch) -> Collection[str]:
        """Make all of the release that needs no settings; return the node modules that its source had."""
        with self.tools.phase("source"):
            self._fetch(fetch, python)
        with self.tools.phase("dependencies"):
            key = interpreter.key or interpreter.version
            self.dependencies = self._environment.install(self.source, self.project, python, key, self.owner)
        modules = commands.node_modules(self.source)
        if self.plan["build"]:
            with self.tools.phase("build"):
                self._run_build()
        with self.tools.phase("files"):
            self._protect(python)
            self._write_files()
            self._link_writable()
        return modules

    def _complete(self, found: report.Report, modules: Collection[str]) -> Release:
        """Run the release's commands, take over what it has, and write its record."""
        if self.plan["release_commands"]:
            with self.tools.phase("release_commands"):
                self._run_release_commands(found)
        with self.tools.phase("finish"):
            self._compress()
            commands.drop_modules(self.source, set(modules))
            return self._finish(found)

    def _fetch(self, fetch: sources.Fetch, python: str) -> None:
        source, archive = self.params["source"], os.path.join(self.path, "archive")
        os.mkdir(self.source, 0o755)
        os.chown(self.source, *self.owner)
        if source.get("git"):
            git.git_checkout(self.builder, source, self.plan["revision"], self.private["access"], self.source)
        elif self.params.get("upload") or source.get("archive"):
            # A download that the look did not make is made here: the release may have been removed since.
            upload = self.params.get("upload")
            if upload and os.path.exists(upload):
                shutil.copyfile(upload, archive)
            else:
                sources.download(fetch, str(source["archive"]), str(source["checksum"]), archive)
            os.chown(archive, *self.owner)
            os.chmod(archive, 0o400)
            sources.unpack(self.builder, python, archive, self.source)
            os.remove(archive)
        if source.get("archive"):
            sources.unwrap(self.source)
        if not os.path.isdir(self.project):
            raise ReleaseError(f"source: subdirectory '{source['subdirectory']}' does not exist in the source")
        # The other files are written after untrusted code has run.
        options, given = dependencies.Options.of(self.params), self.private["project_files"]
        lists = {name: text for name, text in given.items() if options.reads(name)}
        sources.add_files(self.source, self.project, lists, self.owner)
        os.symlink(os.path.relpath(self.project, self.path), os.path.join(self.path, "project"))

    def _run_build(self) -> None:
        variables = {**self.private["build_variables"], "GATEHOUSE_APP": self.app.name}
        path = [self.shared.node()] if self.plan["node"] else []
        commands.run_build(self.builder, self.plan["build"], self.source, self.project, self.venv, path, variables)

    def _protect(self, python: str) -> None:
        self._environment.protect(self.owner)
        venvs.compile_source(self.builder, python, self.source)
        sources.forget_history(self.source)
        sources.add_files(self.source, self.project, self.private["project_files"], self.owner)
        sources.protect(self.source, self.owner[0], self._group())
        os.chown(self.path, 0, 0)
        os.chmod(self.path, 0o755)

    def _write_files(self) -> None:
        release_files.write_programs(self.path, self.plan["files"])
        release_files.write_environment(self.path, self.private["environment"], self._group())

    def _link_writable(self) -> None:
        os.mkdir(self.static)
        os.chown(self.static, self._user(), self._group())
        for path in self.params["writable"]:
            link_to_data(self.user, self.app, self.source, self.project, path)

    def _prepare(self) -> report.Report:
        part = "before" if self.before_migration else "all"
        found = self._run_phases(part)
        self._note(found)
        if self.before_migration and found.awaits_migration:
            self.before_migration(self, found)
            found = found.continued(self._run_phases("migrate"))
        return found

    def _note(self, found: report.Report) -> None:
        """Check what the process reported, and keep what the operator is told after the switch."""
        found.check_static(self.static)
        self.unused = [name for name in self.private["variables"] if name in found.unused]
        self.ignored_checks = found.ignored

    def _run_phases(self, part: str) -> report.Report:
        """Run a part of the phases of gatehouse_prepare.py, and return its report."""
        argv = [self.user.python, os.path.join(self.path, "gatehouse", "gatehouse_prepare.py")]
        arguments = preparation.arguments(self.app, self.params, self.private, self.static, part)
        token = secrets.token_hex(16)
        self.tools.enter(PREPARE)
        # The process tells systemd its phases. The controller asks for them while it waits. It limits each
        # phase itself, because migrations may take any time.
        code, out, err = self.user.attempt(
            [*argv, *arguments], data=token, more=["NotifyAccess=main"], is_limited=False
        )
        found = report.read(out, token)
        self.tools.phases.update(found.phases)
        if code != 0 or not found.has_phases_of(part):
            with self.tools.phase(found.phase):
                raise ReleaseError(
                    preparation.explain(self.tools, self.app, self.path, found, code, err, self.dependencies)
                )
        return found

    def _run_release_commands(self, found: report.Report) -> None:
        try:
            commands.run_release_commands(self.user, self.plan["release_commands"])
        except ReleaseError as error:
            raise ReleaseError(f"{error}\n{preparation.APPLIED}" if found.migrations else str(error)) from error

    def _compress(self) -> None:
        """Compress the static files, and take them over."""
        static_files.compress(self.user, self.static, os.path.join(self.app.link, "static"))
        tree.take_over(self.static, self._user(), tree.Access(0, 0, program=0o644))

    def _finish(self, found: report.Report) -> Release:
        health = self.plan["health"]
        release: Release = {
            "id": self.id,
            "revision": self.plan["revision"],
            "configuration": self.plan["digest"][:CONFIGURATION_CHARACTERS],
            "built": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "phases": self.tools.phases,
            "node": name_of(self.plan["node"]),
            "check": found.check,
            "dependencies": self.dependencies,
            "migrations": found.migrations,
            "known_migrations": found.known_migrations,
            "static_url": found.static_url,
            "health": {**health, "host": health["host"] or found.health_host, "host_from": _host_from(health, found)},
            "units": self.plan["units"],
        }
        release_files.complete(self.tools, self.path, release)
        return release

    def _user(self) -> int:
        return pwd.getpwnam(self.app.name).pw_uid

    def _group(self) -> int:
        return grp.getgrnam(self.app.name).gr_gid


def _host_from(health: Health, found: report.Report) -> str:
    if health["host"]:
        return HEALTH_HOST
    return ALLOWS_NONE if found.allows_none else ALLOWED_HOSTS
