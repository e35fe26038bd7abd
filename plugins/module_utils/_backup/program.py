# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the units of the backups run on the host, without Ansible: `run` makes one, `failed` tells that one failed."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import backup_record
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import SLUG
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.snapshot import back_up
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded

USAGE = "usage: gatehouse-backup run|failed APP"


def main(words: Sequence[str]) -> str | None:
    """Run the command; return the reason of a failure for sys.exit()."""
    os.umask(0o077)
    if len(words) != 2 or words[0] not in ("run", "failed") or not SLUG.fullmatch(words[1]):
        return USAGE
    place = Place(App(words[1]))
    if words[0] == "failed":
        return tell(place)
    try:
        place.options()
    except BackupError as error:
        return str(error)
    run = back_up(place)
    for text in run["warnings"]:
        sys.stderr.write(f"warning: {text}\n")
    if run["result"] != "ok":
        return f"The backup of {place.app.name} failed: {run['problem']}"
    sys.stdout.write(f"Snapshot {run['snapshot']}: {run['bytes']} bytes, {run['added']} new, {run['seconds']} s\n")
    return None


def tell(place: Place) -> str | None:
    """Run the command of `on_failure`, with what happened in its environment."""
    command = shlex.split(place.options()["on_failure"])
    last = backup_record.read(place.app.name, place.directory)["last"]
    if not command:
        return None
    problem = last["problem"] if last and last["result"] != "ok" else "the backup could not start"
    code, _out, err = run_bounded(
        command, environ_update={"GATEHOUSE_APP": place.app.name, "GATEHOUSE_PROBLEM": problem}
    )
    return f"on_failure: '{command[0]}' ended with {code}: {err.strip()[-500:]}" if code else None
