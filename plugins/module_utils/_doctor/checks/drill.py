# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drill of a backup that failed, is old or never ran: nothing proves that the data could be restored."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._app import backup_record, drill_record
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import BACKUP_DIRECTORY, UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding


def check_drill(
    run: Run, site: str, app: str, directory: str = BACKUP_DIRECTORY, units: str = UNIT_DIRECTORY
) -> Iterator[Finding]:
    """Yield what is wrong with the drills of *app*; *site* is the app's."""
    often = drill_record.often(app, units)
    if often == "never":
        return
    timer, service = (f"gatehouse-drill@{app}.{kind}" for kind in ("timer", "service"))
    if systemd.show(run, timer).get("ActiveState") != "active":
        cause = f"No drill of the backup of {app} is made: {timer} does not run."
        yield Finding(site, cause, f"`systemctl start {timer}`")
    record = drill_record.read(app, directory)
    last, success = record["last"], record["success"]
    is_due = backup_record.read(app, directory)["success"] and _days_since_setup(app, units) > drill_record.DAYS[often]
    again = f"Correct that, then `systemctl start {service}`; `journalctl -n 50 -u {service}` says more."
    proven = f"The last proven restore is of {success['began']}" if success else "No restore is proven yet"
    if last is None and is_due:
        cause = f"No drill of the backup of {app} was ever made, although drills are {often}. {proven}."
        yield Finding(site, cause, f"`systemctl start {service}` makes one; `journalctl -n 50 -u {service}` says more.")
    elif last and last["result"] in ("failed", "interrupted"):
        how = "failed" if last["result"] == "failed" else "was interrupted"
        problem = last["problem"].rstrip(".")
        yield Finding(site, f"The drill of the backup of {app} of {last['began']} {how}: {problem}. {proven}.", again)
    elif success and backup_record.seconds_since(success["began"]) > drill_record.DAYS[often] * 86400:
        yield Finding(
            site, f"The last proven restore of {app} is of {success['began']}, and drills are {often}.", again
        )
    for text in (success or {"notes": []})["notes"]:
        yield Finding(site, f"The drill does not prove all of the backup of {app}: {text}", "Try its restore by hand.")


def _days_since_setup(app: str, units: str) -> float:
    """How long the timer of the drills has been as it is."""
    return (time.time() - drill_record.timer(app, units).stat().st_mtime) / 86400
