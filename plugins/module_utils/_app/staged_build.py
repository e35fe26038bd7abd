# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build a release in steps, so that all hosts of an app have ended one step before any of them begins the next one."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.gatehouse.django.plugins.module_utils._app import prepared, static_names
from ansible_collections.gatehouse.django.plugins.module_utils._app.build import Build
from ansible_collections.gatehouse.django.plugins.module_utils._app.interpreter import Interpreter
from ansible_collections.gatehouse.django.plugins.module_utils._app.prepared import Prepared
from ansible_collections.gatehouse.django.plugins.module_utils._app.report import Report
from ansible_collections.gatehouse.django.plugins.module_utils._app.source import Fetch
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import Release


class StagedBuild(Build):
    """One candidate release of an app that several hosts serve. Each step is a call of the module."""

    @property
    def run_id(self) -> str:
        """The run of the module that builds the candidate. Each step is a run of its own."""
        return str(self.params["candidate"].get("run") or self.params["run"]["id"])

    def prepare(self, interpreter: Interpreter, fetch: Fetch) -> Prepared:
        """Build the release and check it, as far as that is possible before its databases are migrated."""
        python = self._begin(interpreter)
        with self._kept_if_it_fails():
            modules = self._make(python, interpreter, fetch)
            found = self._run_phases("until_migration")
            self._note(found)
            if not found.is_new:
                static_names.record(self.path, "build")
            done = Prepared(found, sorted(modules), self.dependencies, self.unused, self.ignored_checks, self.run_id)
            done.write(self.path)
            return done

    def migrate(self) -> list[str]:
        """Migrate the databases; return the migrations that were applied."""
        done = Prepared.read(self.path, self.run_id)
        with self._kept_if_it_fails():
            if self.before_migration and done.report.awaits_migration:
                self.before_migration(self, done.report)
            found = self._run_phases("migrate")
            return found.migrations

    def finish(self) -> Release:
        """Complete the release, once its databases are migrated."""
        done = Prepared.read(self.path, self.run_id)
        self.dependencies, self.unused, self.ignored_checks = done.dependencies, done.unused, done.ignored_checks
        found = done.report
        with self._kept_if_it_fails():
            if found.is_new:
                # Checks and views may query the database, which had no tables before.
                last = self._run_phases("after_migration")
                self._note(last)
                static_names.record(self.path, "build")
                found = replace(last, migrations=found.migrations, known_migrations=found.known_migrations)
            release = self._complete(found, done.modules)
        prepared.drop(self.path)
        return release

    def _run_release_commands(self, found: Report) -> None:
        super()._run_release_commands(found)
        static_names.record(self.path, "release_commands")
