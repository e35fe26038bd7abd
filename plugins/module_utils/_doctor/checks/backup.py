# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup that failed, is old or lacks a database, and a restore that was killed: no page shows them."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._app import backup_record, interrupted_restore
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import BACKUP_DIRECTORY, UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding

# Backups are daily. The timer waits for up to half an hour, and a large one takes hours.
OLD_SECONDS = 2 * 86400


def check_backup(
    run: Run, site: str, app: str, directory: str = BACKUP_DIRECTORY, units: str = UNIT_DIRECTORY
) -> Iterator[Finding]:
    """Yield what is wrong with the backups of *app*; *site* is the app's."""
    if unfinished := interrupted_restore.explain(app, directory):
        cause, _stop, remedy = unfinished.partition(". ")
        yield Finding(site, f"{cause}, and the app may not run.", remedy)
    if not backup_record.is_due(app, units):
        return
    timer, service = (f"gatehouse-backup@{app}.{kind}" for kind in ("timer", "service"))
    if systemd.show(run, timer).get("ActiveState") != "active":
        yield Finding(site, f"No backup of {app} is made: {timer} does not run.", f"`systemctl start {timer}`")
    record = backup_record.read(app, directory)
    last, success = record["last"], record["success"]
    again = f"Correct that, then `systemctl start {service}`; `journalctl -n 50 -u {service}` says more."
    newest = f"The newest good one is of {success['began']}" if success else "There is no good one"
    if last is None:
        yield Finding(site, f"There is no backup of {app} yet.", f"`systemctl start {service}` makes one.")
    elif last["result"] in ("failed", "interrupted"):
        problem, _to_correct, remedy = last["problem"].partition(backup_record.TO_CORRECT)
        cause = f"The backup of {app} of {last['began']} {last['result']}: {problem.rstrip('.')}. {newest}."
        if remedy:
            again = f"In 'backup' of the app's entry, or on its server: {remedy.rstrip('.')}. Then `ansible-playbook "
            again += f"gatehouse.django.site -e app={app}`, and `systemctl start {service}`."
        yield Finding(site, cause.replace(" interrupted:", " was interrupted:"), again)
    elif success and last["result"] != "running" and backup_record.seconds_since(success["began"]) > OLD_SECONDS:
        yield Finding(site, f"The newest backup of {app} is of {success['began']}, more than two days ago.", again)
    for text in (success or {"warnings": []})["warnings"]:
        if text.startswith(backup_record.OLD_STAY):
            cause, _stop, remedy = text.partition(". ")
            yield Finding(site, f"{cause}.", remedy)
            continue
        yield Finding(site, f"The backup of {app} is not complete: {text}", "Use the tools of that database.")
