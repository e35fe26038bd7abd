# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and write how the last drills of an app's backup ended. Only root can read or write the record."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._app.backup_record import MAX_CHARACTERS, TIME
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import is_held
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import BACKUP_DIRECTORY, UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

# How often, and after how many days without a drill that succeeded the doctor says so.
DAYS = {"daily": 2, "weekly": 9, "monthly": 38}


class Drill(TypedDict):
    """One drill."""

    began: str  # UTC time in ISO 8601 format
    seconds: float  # all of it
    result: str  # ok, failed, running, or interrupted for one that was killed
    problem: str  # why it failed
    notes: list[str]  # what it did not prove
    snapshot: str  # restic's identifier
    backup: str  # UTC time of the backup
    recorded: str  # the release that was served at the time of the backup
    release: str  # the release that was asked for its migrations: that one, if the host still has it
    lacking: list[str]  # the migrations of the release that the backup lacks
    restore: float  # seconds until the databases were restored: brought onto the host and loaded
    bytes: int  # of the dumps
    tables: int
    rows: int


class Record(TypedDict):
    """The drills of an app."""

    last: Drill | None
    success: Drill | None


def began() -> Drill:
    """A drill that begins now."""
    texts = dict.fromkeys(("problem", "snapshot", "backup", "recorded", "release"), "")
    numbers = dict.fromkeys(("seconds", "restore", "bytes", "tables", "rows"), 0)
    now = time.strftime(TIME, time.gmtime())
    run: Drill = {**texts, **numbers, "notes": [], "lacking": [], "began": now, "result": "running"}  # type: ignore[typeddict-item]
    return run


def read(app: str, directory: str = BACKUP_DIRECTORY) -> Record:
    """Return the last drill and the last that succeeded."""
    try:
        found: dict[str, Any] = json.loads(files.read(_path(app, directory)) or "{}")
    except ValueError:
        found = {}
    record: Record = {"last": _known(found.get("last")), "success": _known(found.get("success"))}
    last = record["last"]
    if last and last["result"] == "running" and not is_held(f"drill-{app}"):
        last["result"], last["problem"] = "interrupted", "it was killed before its end"
    return record


def write(app: str, run: Drill, directory: str = BACKUP_DIRECTORY) -> None:
    """Record *run* as the last one."""
    run["problem"] = harmless(run["problem"])[:MAX_CHARACTERS]
    run["notes"] = [harmless(text)[:MAX_CHARACTERS] for text in run["notes"]]
    run["lacking"] = [harmless(name)[:200] for name in run["lacking"]]
    success = run if run["result"] == "ok" else read(app, directory)["success"]
    files.replace(_path(app, directory), json.dumps({"last": run, "success": success}) + "\n", 0o600)


def copy_of(app: str, directory: str = BACKUP_DIRECTORY) -> dict[str, str]:
    """The backup that an operator has restored beside the live data: `made`, `snapshot`, `time`; empty for none."""
    try:
        found = json.loads(files.read(Path(directory, app, "copy-restore.json")) or "{}")
        return {name: str(found[name]) for name in ("made", "snapshot", "time")} if found else {}
    except (ValueError, KeyError):
        return {}


def often(app: str, directory: str = UNIT_DIRECTORY) -> str:
    """How often there is a drill: a key of DAYS, or `never`."""
    text = files.read(timer(app, directory)) or ""
    return next((name for name in DAYS if f"# drill: {name}\n" in text), "never")


def timer(app: str, directory: str = UNIT_DIRECTORY) -> Path:
    """The timer of the drills of an app; it exists while there are any."""
    return Path(directory, f"gatehouse-drill@{app}.timer")


def _path(app: str, directory: str) -> Path:
    return Path(directory, app, "drill.json")


def _known(found: object) -> Drill | None:
    if not isinstance(found, dict) or not set(Drill.__annotations__) <= set(found):
        return None
    run: Drill = {name: found[name] for name in Drill.__annotations__}  # type: ignore[assignment]
    return run
