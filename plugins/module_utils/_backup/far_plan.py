# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work out a restore or rollback of a database on another host: what the playbook passes to the hosts of the app."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from ansible_collections.gatehouse.django.plugins.module_utils._app import service_access
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import databases, journal, server
from ansible_collections.gatehouse.django.plugins.module_utils._backup.journal import Journal
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import StoredDatabase
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import Place
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import is_held
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import environment

# Between two steps of a run on one host, unless another host loads the backup, pass seconds.
IDLE_SECONDS = 120


def server_of(app: App) -> str:
    """The host in the inventory that Gatehouse made the app's database on; empty if it is this one."""
    found = service_access.elsewhere(environment(f"{app.link}/env")) if app.current() else []
    return next((one["host"] for one in found if one["kind"] == "database"), "")


def aliases(app: App, now: Iterable[databases.Database], release: str) -> list[str]:
    """The aliases of the database on another host, in the settings of the directory *release*."""
    return [one.alias for one in now if server.host_of(app, one, release)]


def make(
    app: App,
    stage: str,
    far: Sequence[StoredDatabase],
    sizes: Mapping[str, int],
    **given: str,
) -> dict[str, object]:
    """Return the plan for the databases *far* of a manifest, as the steps and the host of the database need it.

    *stage* is the beginning of the name of the directory, *sizes* are the bytes of the dumps by their files.
    """
    when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return {
        "server": server_of(app),
        "kept": f"{app.name}_before_{when.lower()}",
        "stage": f"{stage}{when}",
        "served": app.current(),
        "extensions": sorted({str(name) for one in far for name in one["extensions"]}),
        # A dump can be compressed; a snapshot has the size that its database had.
        "size": sum(max(sizes.get(str(one["file"]), 0), int(one.get("size") or 0)) for one in far),
        "owner": secrets.token_hex(),
        **given,
    }


def interrupted(app: App, note: Journal) -> dict[str, object]:
    """What the playbook needs to know of a run that was killed."""
    texts = ("server", "kept", "stage", "snapshot", "release", "served", "target")
    names = (*texts, "is_ready", "is_switched", "is_undone", "has_backup")
    found = asdict(note)
    # The run that takes it over gets a word of its own.
    return {name: found[name] for name in names} | {"owner": secrets.token_hex(), "busy": busy(app)}


def busy(app: App) -> str:
    """Return why the run of the journal may be going on; empty if it has done nothing for a while."""
    return "A step of it works now. Nothing was changed." if is_held(f"app-{app.name}") else recent(app)


def recent(app: App) -> str:
    """Return that the last step of the run of the journal ended a short time ago; empty if it did not."""
    # Each step writes the time, also one that fails.
    passed = time.time() - journal.path(Place(app)).stat().st_mtime
    if abs(passed) >= IDLE_SECONDS:
        return ""
    return (
        f"Its last step ended {abs(passed):.0f} s ago, so it may be going on. If it was killed, run the same command "
        f"again in {IDLE_SECONDS - abs(passed):.0f} s. Nothing was changed."
    )


def is_backing_up(app: App) -> bool:
    """Whether this host of several makes the backups."""
    return os.path.exists(Place(app).timer)
