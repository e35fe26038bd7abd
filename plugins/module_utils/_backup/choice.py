# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the snapshot to restore: the newest, one by its identifier, or the last one before a time."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Manifest
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

IDENTIFIER = re.compile(r"[0-9a-f]{6,64}")
# A year, month and day, and a time of day, with or without seconds.
TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?")
SHOWN = 10
MANIFEST_KEYS = ("app", "host", "time", "release", "revision", "user", "group", "media_group", "databases", "left_out")
Snapshot = dict[str, object]


def choose(snapshots: Sequence[Snapshot], at: str, host: str) -> Snapshot:
    """Return the snapshot that *at* names; `newest` is the newest of this *host*, or of the only other one.

    *snapshots* are those of the app, the oldest first.
    """
    if not snapshots:
        raise BackupError("at: there is no backup of the app yet. Nothing was changed.")
    if IDENTIFIER.fullmatch(at):
        found = [one for one in snapshots if str(one["id"]).startswith(at)]
        if not found:
            raise BackupError(f"at: there is no snapshot '{at}'. {listed(snapshots)} Nothing was changed.")
        return found[-1]
    hosts = {str(one["hostname"]) for one in snapshots}
    if len(hosts) > 1 and host not in hosts:
        raise BackupError(
            f"at: the backups are of the hosts {', '.join(map(harmless, sorted(hosts)))}, and this is none of them. "
            f"Name a snapshot: -e at=<snapshot>. {listed(snapshots)} Nothing was changed."
        )
    own = [one for one in snapshots if one["hostname"] == host] or list(snapshots)
    if at == "newest":
        return own[-1]
    limit = moment(at)
    found = [one for one in own if taken(one) <= limit]
    if not found:
        raise BackupError(f"at: there is no snapshot of {at} UTC or before. {listed(own)} Nothing was changed.")
    return found[-1]


def choose_to_replace(snapshots: Sequence[Snapshot], at: str, host: str) -> Snapshot:
    """Return what `choose` does, for data that become live. Refuse `newest` if another host has a newer snapshot.

    The app may have moved to that host, and this one would get old data; or that host is a copy of this one.
    """
    chosen = choose(snapshots, at, host)
    newer = [one for one in snapshots if one["hostname"] != chosen["hostname"] and taken(one) > taken(chosen)]
    if at == "newest" and newer:
        raise BackupError(
            f"at: the newest backup of {harmless(str(chosen['hostname']))} is {_named(chosen)}, and "
            f"{harmless(str(newer[-1]['hostname']))} has made {_named(newer[-1])} since. "
            "Name the one that you mean: -e at=<snapshot>. Nothing was changed."
        )
    return chosen


def moment(at: str) -> datetime:
    """Return a time that an operator wrote, in UTC; a day means its end."""
    if not TIME.fullmatch(at):
        raise BackupError(
            f"at: '{at}' is neither 'newest' nor a snapshot like '1f0c8d2e' nor a time (UTC) like '2026-11-26 02:30'. "
            "Nothing was changed."
        )
    try:
        found = datetime.fromisoformat(at.rstrip("Z") if len(at) > 10 else f"{at} 23:59:59")
    except ValueError as error:
        raise BackupError(f"at: '{at}' is not a time: {error}. Nothing was changed.") from error
    return found.replace(tzinfo=UTC)


def taken(snapshot: Snapshot) -> datetime:
    """Return when restic began the *snapshot*, to the second."""
    # Nine digits of a second, which Python 3.11 does not read everywhere.
    text = re.sub(r"\.\d+", "", str(snapshot["time"]))
    return datetime.fromisoformat(text).astimezone(UTC)


def listed(snapshots: Sequence[Snapshot]) -> str:
    """The newest snapshots in words."""
    return f"Snapshots (UTC): {', '.join(map(_named, reversed(snapshots[-SHOWN:])))}."


def _named(snapshot: Snapshot) -> str:
    return f"{str(snapshot['id'])[:8]} of {taken(snapshot):%Y-%m-%d %H:%M:%S}"


def manifest(repository: Repository, snapshot: Snapshot, app: str) -> Manifest:
    """Read what the backup recorded of itself; raise BackupError unless it is one of *app*."""
    try:
        found: Manifest = json.loads(repository.call("dump", str(snapshot["id"]), "/manifest.json"))
        missing = [name for name in MANIFEST_KEYS if name not in found]
    except (ValueError, TypeError) as error:
        raise BackupError(f"at: the manifest of {str(snapshot['id'])[:8]} cannot be read: {error}.") from error
    if missing or found["app"] != app:
        raise BackupError(f"at: the snapshot {str(snapshot['id'])[:8]} is not a backup of {app}. Nothing was changed.")
    return found
