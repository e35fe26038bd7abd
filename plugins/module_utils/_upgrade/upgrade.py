# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upgrade the cluster of the apps, go back to the one before, and undo or finish what was killed.

The port of the apps says which cluster is live. From the stop of the old cluster until the new one is proven, no
cluster that runs has it, so nothing is written that could be lost. An error before that starts the old cluster again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import UPGRADE_JOURNAL
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import unit
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PORT, PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import (
    apps,
    clusters,
    journal,
    look,
    rehearsal,
    rows,
)
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.clusters import Server
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.journal import Journal, Record
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.transfer import (
    Proof,
    analyze,
    end_killed,
    prove,
    transfer,
)

AUTO, MANUAL = "auto\n", "manual\n"


def upgrade(tools: Tools, live: Server, major: str, using: Sequence[apps.Using]) -> Proof:
    """Upgrade *live* to version *major*. The caller holds the locks of the apps."""
    rehearsal.clean(tools, live, major)
    drop_empty(tools, major, live.name)
    running = [one.name for one in using if one.is_running]
    # An app whose migrations are not applied today cannot be held against the new cluster.
    waiting = apps.unmigrated(running)
    note = Journal(
        old=live.major,
        new=major,
        name=live.name,
        data=clusters.data_beside(live, major, live.name),
        start=files.read(f"{live.configuration}/start.conf") or AUTO,
        apps=running,
    )
    note.write()
    try:
        with tools.phase("stop"):
            apps.stop(tools, running)
            clusters.stop(tools, live)
            # No boot and no update of its package starts it, and no app would find it. The new one inherits that.
            live = clusters.set_port(tools, live, clusters.free_port())
            clusters.set_start(tools, live, MANUAL)
        with tools.phase("upgrade"):
            new = transfer(tools, live, major)
        proof = prove(tools, clusters.require(live.major, live.name), new)
        with tools.phase("check apps"):
            tried = [one.name for one in using if one.is_running and not one.has_port and one.name not in waiting]
            if failed := apps.unmigrated(tried, new.port):
                name, said = sorted(failed.items())[0]
                raise ReleaseError(f"app '{name}': migrate --check fails on the new cluster:\n{said}")
        # That of an earlier upgrade.
        journal.record(None)
        note.is_proven = True
        note.write()
    except BaseException as error:
        try:
            undo(tools, note)
        except (PostgresqlError, ReleaseError, OSError) as second:
            raise PostgresqlError(
                f"{error}\nThe old cluster could not be started again: {second}\nRun the same command again: it tries "
                "once more. The data are complete in it."
            ) from error
        raise
    finish(tools, note)
    return proof


def drop_empty(tools: Tools, major: str, name: str) -> None:
    """Drop the empty cluster that the package of the new version may have made; raise if anything is in it."""
    found = clusters.get(major, name)
    if found is None:
        return
    was_online = found.is_online
    if not was_online:
        found = clusters.start(tools, found)
    if not look.is_empty(found):
        if not was_online:
            clusters.stop(tools, found)
        raise PostgresqlError(f"{look.in_the_way(found)}. Nothing was changed.")
    clusters.drop(tools, major, name, found.data)


def recover(tools: Tools) -> Journal | None:
    """Undo or finish what a killed run has begun; return its journal, None if there is nothing."""
    note = journal.read()
    if note is None:
        return None
    if note.is_proven:
        finish(tools, note)
    else:
        undo(tools, note)
    return note


def undo(tools: Tools, note: Journal) -> None:
    """Drop the new cluster, and have the old one serve as before."""
    end_killed(tools)
    clusters.drop(tools, note.new, note.name, note.data)
    _serve(tools, clusters.require(note.old, note.name), note.start)
    apps.start(tools, note.apps)
    journal.forget()


def finish(tools: Tools, note: Journal) -> None:
    """Give the port of the apps to the cluster that shall serve, start it, and start the apps."""
    names = (note.new, note.old) if note.is_back else (note.old, note.new)
    before, live = (clusters.require(version, note.name) for version in names)
    if before.port == PORT and not note.is_back:
        # The upgrade has taken the port from it before the data were copied.
        raise PostgresqlError(
            f"After the upgrade was interrupted, PostgreSQL {before.label} got port {PORT} back by hand. {live.label} "
            f"lacks what was written to it since. Nothing was changed. To go on with {before.label}, drop the other "
            f"one (pg_dropcluster --stop {note.new} {note.name}) and remove {UPGRADE_JOURNAL}. To go on with "
            f"{live.label}, without what was written since, give {before.label} another port in its postgresql.conf."
        )
    if note.is_back:
        journal.record(None)
    elif not journal.recorded():
        _record(note, clusters.start(tools, live))
    with tools.phase("switch"):
        apps.stop(tools, note.apps if note.is_back else [])
        clusters.stop(tools, before)
        if before.port == PORT:
            before = clusters.set_port(tools, before, clusters.free_port([live.port]))
        clusters.set_start(tools, before, MANUAL)
        if unit.hand_on(before.unit, live.unit):
            tools.run(["systemctl", "daemon-reload"])
        live = _serve(tools, live, note.start)
    with tools.phase("start"):
        apps.start(tools, note.apps)
    journal.forget()
    with tools.phase("answers"):
        failed = apps.answer(tools, note.apps)
    if not note.is_back:
        with tools.phase("statistics"):
            analyze(tools, live)
    if failed:
        raise PostgresqlError(
            f"PostgreSQL {live.label} serves with all data of {before.label}, but {'; '.join(failed)}\n"
            "The cluster before is stopped and complete: docs/postgresql-upgrade.md says how to go back."
        )


def _record(note: Journal, new: Server) -> None:
    """Keep for the way back what the new cluster has counted before an app writes to it."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    journal.record({"old": note.old, "new": note.new, "name": note.name, "at": at, "writes": rows.writes(new)})


def _serve(tools: Tools, one: Server, start: str) -> Server:
    """Have a cluster serve the apps, now and after a boot."""
    if one.port != PORT:
        clusters.stop(tools, one)
        one = clusters.set_port(tools, one, PORT)
    clusters.set_start(tools, one, start)
    return clusters.start(tools, one)


def back(tools: Tools, found: Record, running: Sequence[str]) -> None:
    """Have the old cluster of the record *found* serve again. What was written since is in the new one only."""
    old = clusters.require(found["old"], found["name"])
    # Before anything is stopped, it must show that it can serve.
    was_online = old.is_online
    old = clusters.start(tools, old)
    if not was_online:
        clusters.stop(tools, old)
    note = Journal(
        old=found["old"],
        new=found["new"],
        name=found["name"],
        data="",
        start=files.read(f"{clusters.require(found['new'], found['name']).configuration}/start.conf") or AUTO,
        apps=list(running),
        is_proven=True,
        is_back=True,
    )
    note.write()
    finish(tools, note)
