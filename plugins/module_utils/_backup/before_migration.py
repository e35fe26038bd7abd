# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a snapshot of an app's databases before a deployment migrates them: the way back over these migrations.

The candidate's code makes it, because its settings name what is migrated. A database that a rollback could not take
back gets none: the operator is told instead.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.build import Build
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.report import Report
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup import (
    databases,
    lost_writes,
    migration_snapshots,
    postgresql,
    project_data,
    server,
)
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import SnapshotManifest, Writes
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

# pg_dump's own default level costs five times the CPU for a dump that is a little smaller.
LEVEL = 1
# A dump is rarely larger than this part of the tables.
DUMP_PART = 0.5
COMMAND = "ansible-playbook gatehouse.django.rollback -e app={app} -e restore_database=true"


class BeforeMigration:
    """What a build calls before it migrates databases with data (Build.before_migration)."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.snapshot: migration_snapshots.Snapshot | None = None
        # Which databases have no way back, and why.
        self.warnings: list[str] = []

    def __call__(self, build: Build, found: Report) -> None:
        """Make the snapshot; raise ReleaseError if that is not possible, so that nothing is migrated."""
        with build.tools.phase("snapshot"):
            try:
                self._make(build, found)
            except BackupError as error:
                raise ReleaseError(
                    f"the databases are not migrated, because no snapshot of them could be made before: {error}\n"
                    "To migrate without a way back, set 'migration_snapshots: false' in the app's entry."
                ) from error

    def migrated(self, build: Build) -> None:
        """Note what the deployment itself has written; without that, it counts as what visitors wrote."""
        if self.snapshot:
            with build.tools.phase("snapshot"), contextlib.suppress(BackupError, OSError):
                self.snapshot.note(after=written(self.app, project_of(build), self.snapshot.aliases))

    @property
    def said(self) -> str:
        """What was made, in words; empty without a snapshot."""
        if not self.snapshot:
            return ""
        manifest = self.snapshot.manifest
        how = f"{size(manifest['bytes'])} in {manifest['seconds']} s"
        return f"snapshot of the databases before the migrations: {how}"

    @property
    def way_back(self) -> str:
        """What was made, and how to return to it; empty without a snapshot."""
        return (
            f"{self.said}, in {self.snapshot.path}. The way back: {COMMAND.format(app=self.app.name)}"
            if self.snapshot
            else ""
        )

    @property
    def remedy(self) -> str:
        """How to take the databases back after a deployment that failed; empty without a snapshot."""
        if not self.snapshot:
            return ""
        return (
            f"The databases as they were before the migrations are in {self.snapshot.path}. To see what taking them "
            f"back would lose: `{COMMAND.format(app=self.app.name)}`"
        )

    @property
    def result(self) -> dict[str, object]:
        """What the module returns about the snapshot; empty if none was made."""
        if not self.snapshot:
            return {}
        made = self.snapshot.manifest
        return {
            "path": str(self.snapshot.path),
            **{"seconds": made["seconds"], "bytes": made["bytes"], "migrations": made["migrations"]},
        }

    def _make(self, build: Build, found: Report) -> None:
        project, start = project_of(build), time.monotonic()
        chosen = self._chosen(project, build.params["migrate_databases"])
        if not chosen:
            return
        began = time.gmtime()
        # Also what deployments that failed have left.
        migration_snapshots.prune(self.app)
        path = Path(self.app.snapshots, time.strftime("%Y%m%dT%H%M%SZ", began))
        files.make_directory(path.parent, 0o700)
        check_space(self.app, chosen)
        tree.remove_tree(str(path))
        path.mkdir(0o700)
        try:
            dumped = {one.alias: databases.dump(self.app, one, path / one.file, LEVEL, project) for one in chosen}
            build.tools.run(["sync", "--file-system", str(path)])
            known = set(self.app.record(self.app.current())["known_migrations"])
            pending = {name.partition(" ")[0] for name in found.migrations}
            applied = sorted(set(found.known_migrations) - pending)
            manifest: SnapshotManifest = {
                "app": self.app.name,
                "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", began),
                "before": self.app.current(),
                "candidate": build.id,
                "migrations": found.migrations,
                "applied": applied,
                # Migrations that the served release does not know: a failed deployment applied them.
                "already": [name for name in applied if name not in known],
                "seconds": round(time.monotonic() - start, 1),
                "bytes": sum((path / one.file).stat().st_size for one in chosen),
                "databases": [{**one.stored(self.app.data, dumped[one.alias]), "size": one.size} for one in chosen],
                "left_out": self.warnings,
            }
            migration_snapshots.write(path, manifest)
        except BaseException:
            tree.remove_tree(str(path))
            raise
        self.snapshot = migration_snapshots.Snapshot(path, manifest)

    def _chosen(self, project: databases.Project, aliases: Sequence[str]) -> list[databases.Database]:
        answer = databases.run(self.app, ["report", *aliases], databases.NOTHING, project=project)
        by_alias = {one.alias: one for one in databases.parse(answer)[0]}
        chosen: dict[tuple[str, str, str, str], databases.Database] = {}
        for one in (by_alias[alias] for alias in aliases if alias in by_alias):
            reason = unreachable(self.app, one, project.release)
            if reason:
                self.warnings.append(
                    f"no snapshot of DATABASES['{one.alias}'] was made before its migrations, because {reason}. The "
                    "rollback cannot take it back."
                )
            elif one.vendor != "sqlite" or one.path:
                chosen.setdefault(one.identity, one)
        return list(chosen.values())


def size(number: int) -> str:
    """A number of bytes in words."""
    return f"{number / 1e6:.1f} MB" if number >= 100_000 else f"{number / 1e3:.1f} kB"


def project_of(build: Build) -> databases.Project:
    """Return the candidate, as a release that can be asked for its databases."""
    return databases.Project(build.path, build.plan["units"].get(f"{build.app.home}/manage", ""))


def unreachable(app: App, database: databases.Database, release: str) -> str:
    """Return why a rollback could not take back the *database* of the directory *release*; empty if it can."""
    if database.vendor not in project_data.KINDS:
        return f"Gatehouse dumps PostgreSQL and SQLite, not {harmless(database.vendor)}"
    if database.vendor == "sqlite":
        if database.path and not database.below(app.data):
            return f"'{harmless(database.path)}' is not below {app.data}"
        return ""
    if not postgresql.is_local(database.host):
        if server.host_of(app, database, release):
            return server.dump_refusal(database)
        return f"it is on {harmless(database.host)}, and Gatehouse did not make it there ('database' with 'host')"
    try:
        owner = postgresql.owner(database.name)
    except (BackupError, OSError) as error:
        return f"the host's own PostgreSQL cannot be asked for it ({error})"
    if owner != app.name:
        return (
            f"it belongs to the role '{harmless(owner)}', not to '{app.name}'"
            if owner
            else (f"the host's own PostgreSQL has no database '{harmless(database.name)}'")
        )
    return ""


def check_space(app: App, chosen: Iterable[databases.Database]) -> None:
    """Raise BackupError if the dumps of the databases certainly need more space than there is."""
    needed: dict[int, int] = {}
    for one in chosen:
        is_file = one.vendor == "sqlite"
        # SQLite writes its copy beside the database first.
        for place in [app.snapshots, *([app.data] if is_file else [])]:
            device = os.stat(place).st_dev
            needed[device] = needed.get(device, 0) + int(one.size * (1 if is_file else DUMP_PART))
    is_here = [one for one in chosen if one.vendor == "postgresql" and postgresql.is_local(one.host)]
    if is_here and (refused := postgresql.refusal()):
        raise BackupError(refused)
    for place in (app.snapshots, app.data):
        most, free = needed.get(os.stat(place).st_dev, 0), databases.room(place)
        if most > free:
            raise BackupError(
                f"it needs about {most / 1e6:.0f} MB, and the file system of {place} has {free / 1e6:.0f} MB for it. "
                "Free some space."
            )


def written(app: App, project: databases.Project, aliases: Iterable[str]) -> dict[str, Writes]:
    """Return the counters of the databases by alias; empty ones for a database that does not answer."""
    found = {}
    for alias in aliases:
        try:
            answer = databases.run(app, ["writes", alias], databases.NOTHING, project=project)
            found[alias] = lost_writes.checked(answer)
        except BackupError:
            found[alias] = {}
    return found
