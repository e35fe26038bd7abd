# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the release and the snapshot for a rollback of the databases, and say what it would lose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup import lost_writes
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Writes
from ansible_collections.gatehouse.django.plugins.module_utils._backup.migration_snapshots import Snapshot, found

NEWEST = "newest"
PREVIOUS = "previous"
SHOWN = 10


def target_of(app: App, release: str) -> str:
    """Return the release that a rollback of the databases returns to.

    The served one stays if the newest snapshot was made while it was served: the deployment after it failed, or was
    rolled back without its database.
    """
    snapshots, targets = found(app), app.rollback_targets()
    if release != PREVIOUS:
        return release
    if snapshots and snapshots[-1].before == app.current():
        return app.current()
    return targets[0] if targets else ""


def choose(app: App, target: str, wanted: str) -> Snapshot:
    """Return the snapshot for *target*: the newest one or, with its name, another; raise ReleaseError without one."""
    snapshots = found(app)
    own = [one for one in snapshots if one.before == target and wanted in (NEWEST, one.id)]
    if target != app.current() and not app.migrations_between(target, app.current()):
        raise ReleaseError(
            f"restore_database: release {target} knows all migrations of the release that is served. A rollback "
            "without restore_database returns to it. Nothing was changed."
        )
    if not own:
        known = [f"{one.id} for release {one.before}" for one in snapshots[-SHOWN:]]
        listed = f"There are these: {', '.join(known)}." if known else "The host has none of this app."
        one = "no snapshot" if wanted == NEWEST else f"no snapshot '{wanted}'"
        raise ReleaseError(
            f"restore_database: there is {one} of the databases as release {target} had them. {listed} One is made "
            "before each deployment that migrates databases of this host. Nothing was changed."
        )
    return own[-1]


def is_done(app: App, target: str, snapshot: Snapshot) -> bool:
    """Return whether the databases were taken back to the *snapshot*, and no deployment has migrated them since."""
    restored = snapshot.manifest.get("restored", "")
    later = [
        one for one in found(app) if one.manifest["began"] > restored or one.manifest.get("restored", "") > restored
    ]
    return bool(restored) and target == app.current() and not later


def explain(
    app: App,
    target: str,
    snapshot: Snapshot,
    now: Mapping[str, Writes],
    confirm: str,
) -> str:
    """Return what the rollback would do and lose, and how to confirm it; an empty text if that was done."""
    if confirm == app.name:
        return ""
    manifest = snapshot.manifest
    given = f"'{confirm}' was confirmed, but this is the app '{app.name}'. " if confirm else ""
    does = f"keep release {target} in" if target == app.current() else f"put release {target} into"
    lines = [
        f"{given}Would {does} service, with its databases as they were at {snapshot.moment} "
        f"({_age(manifest['began'])} ago), before {_named(manifest['migrations'])}.",
    ]
    for one in manifest["databases"]:
        alias = one["alias"]
        lines += [*_lost(alias, one["writes"], manifest.get("after", {}).get(alias, {}), now.get(alias, {}))]
    lines += manifest["left_out"]
    lines += [
        f"Files in {app.data} stay as they are. The databases that are live now are kept aside. The app is stopped "
        "while they are exchanged.",
        *_others(app, snapshot),
        f"To do it, add -e confirm={app.name}. Nothing was changed.",
    ]
    return "\n".join(lines)


def _lost(alias: str, before: Writes, after: Writes, now: Writes) -> Iterator[str]:
    of = f"to DATABASES['{alias}']"
    since = "since the deployment" if after else "since then"
    yield f"Would lose what was written {of} {since}:"
    yield from (f"  {line}" for line in lost_writes.explain(after or before, now))
    if after:
        yield f"and what was written {of} while it was deployed, by the deployment or by visitors:"
        yield from (f"  {line}" for line in lost_writes.explain(before, after))


def _others(app: App, snapshot: Snapshot) -> Iterator[str]:
    for one in found(app):
        if one.before == snapshot.before and one.id != snapshot.id:
            yield (
                f"Another snapshot for this release is of {one.moment}, before {_named(one.manifest['migrations'])}: "
                f"-e snapshot={one.id}."
            )


def _named(migrations: Sequence[str]) -> str:
    more = f" and {len(migrations) - SHOWN} more" if len(migrations) > SHOWN else ""
    return f"the migrations {', '.join(migrations[:SHOWN])}{more}"


def _age(began: str) -> str:
    """The time since *began*, which is in ISO 8601 format, in the largest unit that it fills."""
    seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(began.replace("Z", "+00:00"))).total_seconds()))
    for name, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {name}"
    return f"{seconds} s"
