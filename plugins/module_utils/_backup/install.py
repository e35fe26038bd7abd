# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the backup of an app has on the host: a program, units that all apps share, a timer and the options."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.backup_spec import BackupOptions
from ansible_collections.gatehouse.django.plugins.module_utils._backup import program
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import Place
from ansible_collections.gatehouse.django.plugins.module_utils._core import installed_program
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS, BACKUP_PROGRAM, UNIT_DIRECTORY

PROGRAM = Path(BACKUP_PROGRAM)
# `program`, and all modules of this collection that it imports. Ansible sends to a host only what a module imports.
MODULES = (
    "_app.accounts",
    "_app.backup_record",
    "_app.backup_spec",
    "_app.drill_record",
    "_app.environment",
    "_app.history",
    "_app.in_sandbox",
    "_app.interrupted_restore",
    "_app.layout",
    "_app.spec",
    "_app.tools",
    "_app.user_number",
    "_backup.beside",
    "_backup.causes",
    "_backup.certificates",
    "_backup.choice",
    "_backup.copy_plan",
    "_backup.copy_report",
    "_backup.databases",
    "_backup.drill",
    "_backup.exchange",
    "_backup.in_copy",
    "_backup.journal",
    "_backup.lost_writes",
    "_backup.manifest",
    "_backup.place",
    "_backup.postgresql",
    "_backup.program",
    "_backup.project_data",
    "_backup.repository",
    "_backup.room",
    "_backup.snapshot",
    "_backup.staging",
    "_backup.view",
    "_core.addresses",
    "_core.bounded",
    "_core.disk_space",
    "_core.django_types",
    "_core.files",
    "_core.journal",
    "_core.lock",
    "_core.mounts",
    "_core.paths",
    "_core.proxy",
    "_core.redaction",
    "_core.run",
    "_core.systemd",
    "_core.tracebacks",
    "_core.tree",
    "_core.unit_end",
    "_core.untrusted",
    "_core.valkey",
    "_postgresql.cluster",
    "_postgresql.copy_role",
    "_postgresql.copy_server",
    "_postgresql.extensions",
    "_postgresql.likeness",
    "_postgresql.scratch",
    "_postgresql.space",
    "_postgresql.superuser",
)
TEXT = (
    installed_program.START
    + f"""\
from {program.main.__module__} import main

sys.exit(main(sys.argv[1:]))
"""
)
MARK = "# Made by Gatehouse; changes are overwritten.\n"
SLICE = f"""\
{MARK}[Unit]
Description=Backups of apps

[Slice]
# Beside system.slice and the apps, which have 100 each.
CPUWeight=10
IOWeight=10
"""
SERVICE = f"""\
{MARK}[Unit]
Description=Backup of the app %i
Wants=network-online.target
After=network-online.target postgresql.service
RequiresMountsFor={APPS}/%i
OnFailure=gatehouse-backup-failed@%i.service

[Service]
Type=oneshot
ExecStart={PROGRAM} run %i
# Also after a backup that was killed: its dumps of the databases do not stay.
ExecStopPost={PROGRAM} tidy %i
Slice=gatehouse_backup.slice
Nice=19
IOSchedulingClass=idle
# restic's index grows with the files of the app: where memory ends, it goes first.
OOMScoreAdjust=500
# restic reads the app's data through a mount that only this unit has.
PrivateMounts=yes
PrivateTmp=yes
UMask=0077
TimeoutStartSec=24h
"""
DRILL = f"""\
{MARK}[Unit]
Description=Drill of the backup of the app %i
Wants=network-online.target
After=network-online.target postgresql.service gatehouse-backup@%i.service
RequiresMountsFor={APPS}/%i
OnFailure=gatehouse-drill-failed@%i.service

[Service]
Type=oneshot
ExecStart={PROGRAM} drill %i
# Also after a drill that was killed: its copy of the data does not stay.
ExecStopPost={PROGRAM} drill-tidy %i
Slice=gatehouse_backup.slice
Nice=19
IOSchedulingClass=idle
# restic's index grows with the files of the app: where memory ends, it goes first.
OOMScoreAdjust=500
PrivateTmp=yes
UMask=0077
TimeoutStartSec=24h
"""
FAILED = """\
{mark}[Unit]
Description=Tell that the {what} of the app %i failed

[Service]
Type=oneshot
ExecStart={program} {command} %i
TimeoutStartSec=10min
"""
TIMER = """\
{mark}[Unit]
Description=Daily backup of the app {app}

[Timer]
OnCalendar=*-*-* {time}:00
# Several apps and hosts, which may share a server, do not begin at once; each app keeps its time.
RandomizedDelaySec=30min
FixedRandomDelay=yes
Persistent=true

[Install]
WantedBy=timers.target
"""
DRILL_TIMER = """\
{mark}# drill: {often}
[Unit]
Description=Drill of the backup of the app {app}

[Timer]
OnCalendar={days} {time}:00
# Not all apps at once: each copies its databases.
RandomizedDelaySec=2h
FixedRandomDelay=yes
Persistent=true

[Install]
WantedBy=timers.target
"""
# The nights of systemd.time(7).
NIGHTS = {"daily": "*-*-*", "weekly": "Sun *-*-*", "monthly": "Sun *-*-01..07"}
# Most backups have ended by then.
DRILL_HOURS = 3
SHARED = {
    "gatehouse_backup.slice": SLICE,
    "gatehouse-backup@.service": SERVICE,
    "gatehouse-backup-failed@.service": FAILED.format(mark=MARK, what="backup", program=PROGRAM, command="failed"),
    "gatehouse-drill@.service": DRILL,
    "gatehouse-drill-failed@.service": FAILED.format(
        mark=MARK, what="drill of the backup", program=PROGRAM, command="drill-failed"
    ),
}


def program_files() -> dict[Path, str]:
    """The program and its modules, by path."""
    text = TEXT.format(purpose="Gatehouse's backups", directory=PROGRAM.parent)
    return dict(installed_program.files(PROGRAM, text, MODULES))


def unit_files(place: Place, options: BackupOptions) -> dict[Path, str | None]:
    """The units, by path; None for a timer that shall not exist."""
    app, often = place.app.name, options["drill"]
    found: dict[Path, str | None] = {Path(UNIT_DIRECTORY, name): text for name, text in SHARED.items()}
    found[place.timer] = TIMER.format(mark=MARK, app=app, time=options["time"])
    found[place.drill_timer] = None
    if often in NIGHTS:
        hour, _colon, minute = options["time"].partition(":")
        time = f"{(int(hour) + DRILL_HOURS) % 24:02}:{minute}"
        found[place.drill_timer] = DRILL_TIMER.format(mark=MARK, app=app, often=often, days=NIGHTS[often], time=time)
    return found


def option_files(place: Place, options: BackupOptions) -> dict[Path, str | None]:
    """The options and secrets of an app except the password, by path; all of them are for root only."""
    shown = {name: options[name] for name in ("to", "keep", "on_failure")}
    key = options["ssh_key"]
    variables = {name: str(value) for name, value in options["environment"].items()}
    return {
        place.config: json.dumps(shown, indent=1, sort_keys=True) + "\n",
        place.environment: json.dumps(variables) + "\n" if variables else None,
        place.ssh_key: "".join(f"{line.strip()}\n" for line in key.strip().splitlines()) if key else None,
        place.known_hosts: options["known_hosts"].rstrip() + "\n" if options["known_hosts"] else None,
    }


def digest(place: Place, options: BackupOptions) -> str:
    """What changes when the repository has to be opened anew to know that it can be."""
    given = [options["to"], options["password"], *option_files(place, options).values()]
    return hashlib.sha256(json.dumps(given).encode()).hexdigest() + "\n"
