# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report what a host has of an app: its releases, units, disk use and deployments."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.history import Event, History
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import is_held
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run

# The data of an app may have millions of files, on a slow disk.
DISK_SECONDS = 5
PROPERTIES = f"{systemd.PROPERTIES},NextElapseUSecRealtime"


def summary(app: App, events: Sequence[Event]) -> dict[str, Any]:
    """Return the release that is served, since when, and who put it into service; empty texts for what is unknown.

    *events* are the changes of the app, the newest first.
    """
    current = app.current()
    own = [one for one in events if one["result"] == "ok" and one["release"] == current and current]
    return {
        "name": app.name,
        "release": current,
        "runs_once": os.path.lexists(app.runs_once),
        "revision": app.revision(current) if current else "",
        "configuration": app.configuration(current) if current else "",
        "since": _moment(app.last_used(current)) if current else "",
        "by": own[0]["by"] if own else "",
        "rollback_targets": app.rollback_targets(),
        "failed_candidates": sorted(app.failures()),
    }


def deployments(name: str) -> list[Event]:
    """Return the recorded changes of the app, the newest first."""
    return History(name).read(is_running=is_held(f"app-{name}"))[::-1]


def unit_states(run: Run, units: Units) -> list[dict[str, object]]:
    """Return name, state and next start of each unit of the app: web, processes, timers, their jobs, its instances."""
    app, files = units.app, units.on_host()
    timers = units.timers(files)
    jobs = [f"{timer.removesuffix('.timer')}.service" for timer in timers]
    current = app.current()
    web = [app.unit(current, "service"), app.unit(current, "socket")] if current else []
    instances = [engine.unit(name) for name in valkey.of_app(app.name) if (engine := valkey.engine_of(name))]
    names = [*web, *units.processes(files), *timers, *jobs, *instances]
    found = systemd.show_all(run, names, PROPERTIES)
    return [_unit(name, found.get(name, {}), is_job=name in jobs) for name in names]


def _unit(name: str, found: Mapping[str, str], *, is_job: bool) -> dict[str, object]:
    # A job runs for a moment only; all others run all the time.
    is_down = not is_job and found.get("ActiveState") not in ("active", "reloading")
    return {
        "name": name,
        "state": systemd.state(found) if found else "unknown",
        "failing": is_down or systemd.is_failing(found),
        "restarts": int(found.get("NRestarts") or 0),
        "next": found.get("NextElapseUSecRealtime", ""),
    }


def disk_use(run: Run, app: App) -> dict[str, int | None]:
    """Return the bytes of each part of what the app has; None for a part if counting it takes long.

    `releases` includes their virtual environments and failed candidates, `data` copies of it, `kept` the snapshots from
    before migrations and the data that restores and rollbacks replaced, and `cache` is that of builds.

    du(1) follows no links, and counts a file with several names once.
    """
    parts = {
        "releases": [app.releases, app.venvs, app.failed],
        "data": [app.data, app.copies],
        "kept": [app.snapshots, *app.replaced_data()],
        "cache": [app.cache],
    }
    found: dict[str, int | None] = {}
    for part, places in parts.items():
        there = [place for place in places if os.path.isdir(place)]
        command = ["timeout", str(DISK_SECONDS), "du", "--summarize", "--one-file-system", "--block-size=1", "--"]
        code, out, _err = run([*command, *there]) if there else (0, "", "")
        sizes = [int(line.partition("\t")[0]) for line in out.splitlines()]
        # du fails for a file that disappears while it counts.
        found[part] = None if code == 124 or len(sizes) < len(there) else sum(sizes)
    return found


def free_space(place: str) -> dict[str, int]:
    """Return the free and all bytes of the file system of *place*."""
    found = os.statvfs(place if os.path.isdir(place) else "/")
    return {"free": found.f_bavail * found.f_frsize, "size": found.f_blocks * found.f_frsize}


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
