# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drill: restore the last backup beside the live data, look whether it is what it was, and remove it again."""

from __future__ import annotations

import os
import socket
import time

from ansible_collections.gatehouse.django.plugins.module_utils._app import backup_record, drill_record
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup import choice, databases
from ansible_collections.gatehouse.django.plugins.module_utils._backup.beside import Beside
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError

PURPOSE = "drill"
SHOWN = 5
# Not of the app's share of the host.
UNIT = (*databases.LOW_PRIORITY, "Slice=gatehouse_backup.slice")
ERRORS = (BackupError, PostgresqlError, ReleaseError, OSError, ValueError, KeyError)


def drill(place: Place) -> drill_record.Drill:
    """Make one drill and record it; return the record, also of one that failed."""
    run = drill_record.began()
    start = time.monotonic()
    try:
        with locked(f"drill-{place.app.name}"):
            drill_record.write(place.app.name, run, place.directory)
            beside = Beside(place, PURPOSE, UNIT)
            try:
                _drill(beside, run)
                run["result"] = "ok"
            except ERRORS as error:
                run["result"], run["problem"] = "failed", str(error)
            run["seconds"] = round(time.monotonic() - start, 1)
            # The copy goes first: a record of success must not stand beside a copy that takes the room.
            try:
                beside.remove()
            except ERRORS as error:
                run["result"], run["problem"] = "failed", f"{run['problem']} The copy stays: {error}".strip()
            drill_record.write(place.app.name, run, place.directory)
    except LockError as error:
        # The other drill records how it ends.
        run["result"], run["problem"] = "failed", str(error)
    return run


def tidy(place: Place) -> None:
    """Remove what a drill that was killed has left."""
    with locked(f"drill-{place.app.name}"):
        Beside(place, PURPOSE, UNIT).remove()


def _drill(beside: Beside, run: drill_record.Drill) -> None:
    try:
        _restore(beside, run)
    except BackupError:
        # The snapshot may be one that a backup has removed meanwhile.
        last = backup_record.read(beside.app.name, beside.place.directory)["last"]
        if last is None or last["began"] < run["began"]:
            raise
        _restore(beside, run)
    run["notes"] = list(beside.left_out)
    run["tables"] = sum(len(one.rows) for one in beside.copies)
    run["rows"] = sum(sum(one.rows.values()) for one in beside.copies)
    if problems := beside.problems():
        raise BackupError(" ".join(problems))


def _restore(beside: Beside, run: drill_record.Drill) -> None:
    app, repository = beside.app, Repository(beside.place)
    snapshots = repository.snapshots()
    if not snapshots:
        raise BackupError(f"{app.name} has no backup yet.")
    snapshot = choice.choose(snapshots, "newest", socket.gethostname())
    manifest = choice.manifest(repository, snapshot, app.name)
    run["snapshot"], run["backup"] = str(snapshot["id"])[:8], f"{choice.taken(snapshot):{backup_record.TIME}}"
    beside.make(repository, str(snapshot["id"]), manifest, "database")
    run["bytes"] = beside.bytes
    run["restore"] = round(beside.seconds["fetch"] + beside.seconds["load"], 1)
    recorded = str(manifest["release"])
    # A name, never a path: what a repository contains is not trusted.
    is_there = os.path.basename(recorded) == recorded and app.is_complete(recorded)
    run["release"] = recorded if is_there else app.current()
    run["recorded"], run["lacking"] = recorded, []
    migrated = [one for one in beside.copies if one.is_migrated]
    if migrated:
        changes = beside.connections()
        found = beside.inside().migrations(run["release"], {one.alias: changes[one.alias] for one in migrated})
        for one in migrated:
            lacking = found.get(one.alias, [])
            if lacking and run["release"] == recorded:
                one.problems.append(
                    f"release {recorded}, which was served, has migrations that it lacks: {_few(lacking)}"
                )
            # Another release may have more migrations than the backup: a restore applies them.
            run["lacking"] += lacking


def _few(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def said(run: drill_record.Drill) -> str:
    """What a drill proved, in a sentence."""
    asked = f"release {run['release']}"
    if run["release"] != run["recorded"]:
        asked += f" (that of the backup, {run['recorded']}, is not on the host any more)"
    lacks = f" would apply {_few(run['lacking'])}" if run["lacking"] else " has no migration that it lacks"
    return (
        f"Snapshot {run['snapshot']} of {run['backup']}: restored in {run['restore']} s ({run['bytes']} bytes), "
        f"{run['tables']} tables have the {run['rows']} rows that the backup recorded, {asked}{lacks}."
    )
