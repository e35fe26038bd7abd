# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the units of the backups run on the host, without Ansible.

`run` makes a backup and `drill` restores the last one beside the live data; `failed` and `drill-failed` tell that one
failed, and `tidy` and `drill-tidy` remove what one that was killed has left.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import backup_record, drill_record
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import SLUG
from ansible_collections.gatehouse.django.plugins.module_utils._backup import drill as drills
from ansible_collections.gatehouse.django.plugins.module_utils._backup import snapshot
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError


def main(words: Sequence[str]) -> str | None:
    """Run the command; return the reason of a failure for sys.exit()."""
    os.umask(0o077)
    if len(words) != 2 or words[0] not in ACTIONS or not SLUG.fullmatch(words[1]):
        return f"usage: gatehouse-backup {'|'.join(ACTIONS)} APP"
    place = Place(App(words[1]))
    try:
        place.options()
        return ACTIONS[words[0]](place)
    except (BackupError, LockError, PostgresqlError) as error:
        return str(error)


def run(place: Place) -> str | None:
    """Make a backup; return why it failed."""
    made = snapshot.back_up(place)
    for text in made["warnings"]:
        sys.stderr.write(f"warning: {text}\n")
    if made["result"] != "ok":
        return f"The backup of {place.app.name} failed: {made['problem']}"
    sys.stdout.write(f"Snapshot {made['snapshot']}: {made['bytes']} bytes, {made['added']} new, {made['seconds']} s\n")
    return None


def drill(place: Place) -> str | None:
    """Make a drill; return why it failed."""
    made = drills.drill(place)
    for text in made["notes"]:
        sys.stderr.write(f"warning: {text}\n")
    if made["result"] != "ok":
        return f"The drill of {place.app.name} failed: {made['problem']}"
    sys.stdout.write(f"{drills.said(made)}\n")
    return None


def tidy(place: Place) -> str | None:
    """Remove what a backup that was killed has left."""
    snapshot.tidy(place)
    return None


def tidy_drill(place: Place) -> str | None:
    """Remove what a drill that was killed has left."""
    drills.tidy(place)
    return None


def tell(place: Place) -> str | None:
    """Run the command of `on_failure` for a backup."""
    # What killed all processes of the unit has also killed the one that tidies up after it.
    with contextlib.suppress(OSError):
        snapshot.tidy(place)
    last = backup_record.read(place.app.name, place.directory)["last"]
    return _tell(place, last["problem"] if last and last["result"] != "ok" else "the backup could not start")


def tell_of_drill(place: Place) -> str | None:
    """Run the command of `on_failure` for a drill."""
    with contextlib.suppress(LockError, *drills.ERRORS):
        drills.tidy(place)
    last = drill_record.read(place.app.name, place.directory)["last"]
    problem = last["problem"] if last and last["result"] != "ok" else "it could not start"
    return _tell(place, f"the drill of the backup: {problem}")


def _tell(place: Place, problem: str) -> str | None:
    """Run the command, with what happened in its environment."""
    command = shlex.split(place.options()["on_failure"])
    if not command:
        return None
    code, _out, err = run_bounded(
        command, environ_update={"GATEHOUSE_APP": place.app.name, "GATEHOUSE_PROBLEM": problem}
    )
    return f"on_failure: '{command[0]}' ended with {code}: {err.strip()[-500:]}" if code else None


ACTIONS = {
    **{"run": run, "failed": tell, "tidy": tidy},
    **{"drill": drill, "drill-failed": tell_of_drill, "drill-tidy": tidy_drill},
}
