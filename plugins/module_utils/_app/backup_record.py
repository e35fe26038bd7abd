# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and write how the last backups of an app ended. Only root can read or write the record."""

from __future__ import annotations

import calendar
import json
import time
from pathlib import Path
from typing import Any, TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import is_held
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import BACKUP_DIRECTORY, UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

MAX_CHARACTERS = 1000
# How the warning begins that is not about the content of the backup.
OLD_STAY = "Old backups stay: "
# What is between the cause of a problem and its remedy, if that is known.
TO_CORRECT = ". To correct it: "
TIME = "%Y-%m-%dT%H:%M:%SZ"


class Backup(TypedDict):
    """One run of the backup."""

    began: str  # UTC time in ISO 8601 format
    seconds: float
    result: str  # ok, failed, running, or interrupted for a run that was killed
    problem: str  # why it failed
    warnings: list[str]  # what the backup does not contain, or why old ones stay
    snapshot: str  # restic's identifier, empty if none was made
    release: str  # the release that was served
    bytes: int  # of the data in the snapshot
    added: int  # bytes that the repository grew by, before they were compressed


class Record(TypedDict):
    """The runs of an app."""

    last: Backup | None
    success: Backup | None


def began(release: str) -> Backup:
    """A run that begins now."""
    return {
        "began": time.strftime(TIME, time.gmtime()),
        "seconds": 0.0,
        "result": "running",
        "problem": "",
        "warnings": [],
        "snapshot": "",
        "release": release,
        "bytes": 0,
        "added": 0,
    }


def read(app: str, directory: str = BACKUP_DIRECTORY) -> Record:
    """Return the last run and the last that succeeded."""
    try:
        found: dict[str, Any] = json.loads(files.read(_path(app, directory)) or "{}")
    except ValueError:
        found = {}
    record: Record = {"last": _known(found.get("last")), "success": _known(found.get("success"))}
    last = record["last"]
    if last and last["result"] == "running" and not is_held(f"backup-{app}"):
        last["result"], last["problem"] = "interrupted", "it was killed before its end"
    return record


def write(app: str, run: Backup, directory: str = BACKUP_DIRECTORY) -> None:
    """Record *run* as the last one."""
    run["problem"] = harmless(run["problem"])[:MAX_CHARACTERS]
    run["warnings"] = [harmless(text)[:MAX_CHARACTERS] for text in run["warnings"]]
    success = run if run["result"] == "ok" else read(app, directory)["success"]
    path = _path(app, directory)
    files.make_directory(path.parent, 0o700)
    files.replace(path, json.dumps({"last": run, "success": success}) + "\n", 0o600)


def is_due(app: str, directory: str = UNIT_DIRECTORY) -> bool:
    """Whether backups of the app are made."""
    return Path(directory, f"gatehouse-backup@{app}.timer").exists()


def seconds_since(moment: str) -> float:
    """The age of a time in the record."""
    return time.time() - calendar.timegm(time.strptime(moment, TIME))


def _path(app: str, directory: str) -> Path:
    return Path(directory, app, "record.json")


def _known(found: object) -> Backup | None:
    if not isinstance(found, dict) or not set(Backup.__annotations__) <= set(found):
        return None
    run: Backup = {name: found[name] for name in Backup.__annotations__}  # type: ignore[assignment]
    return run
