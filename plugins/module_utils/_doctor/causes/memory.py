# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private. Processes of an app that the kernel killed for want of memory, or did not start: which unit, when, why."""

from __future__ import annotations

import os
import pwd
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import BY_SYSTEMD
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import kernel_log
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.kernel_log import SINCE, Event

PROPERTIES = "Id,Result,ExecMainCode,ExecMainStatus,MemoryMax,TasksMax,Slice"
KILLED, SIGKILL = "2", "9"  # CLD_KILLED of waitid(2)
UNLIMITED = ("", "infinity")
# systemd's words (unit_log_process_exit) and gunicorn's of a worker.
SAYS = re.compile(r"code=killed, status=9/KILL|was sent SIGKILL!")
MIB = 1024**2
LIMITS = "in the app's entry of django_apps: `limits: {%s}` (django_app_limits)"

Unit = Mapping[str, str]


@dataclass(frozen=True)
class Evidence:
    """What kernel and systemd have said of all units of the host in the last hour."""

    events: Sequence[Event]
    units: frozenset[str]


def evidence(run: Run) -> Evidence:
    """Look it up, once for all apps."""
    return Evidence(kernel_log.recent(run), kernel_log.killed_units(run))


def explain(run: Run, site: str, name: str, known: Evidence, root: str = "/srv") -> list[Finding]:
    """What the kernel did to processes of the app *name* in the last hour, or to a unit that is down since then."""
    units = _show(run, _units(App(name, root)))
    forks = [event for event in known.events if event.is_fork and event.unit in units]
    found = [_refused(run, site, event, units) for event in forks[-1:]]
    kills = [event for event in known.events if not event.is_fork]
    # In a control group that is no unit's, as where the host is itself a container, the user tells whose it was.
    of_user = [event for event in kills if event.uid == _uid(name)]
    for unit_name, unit in units.items():
        own = [event for event in kills if event.unit == unit_name]
        told = unit_name in known.units or unit.get("Result") == "oom-kill"
        if own or told or (of_user and _has_sigkill(run, unit_name, unit)):
            found.append(_killed(run, site, unit_name, unit, own, of_user))
    return found


def _units(app: App) -> list[str]:
    """The services of the release that is served."""
    current = app.current()
    try:
        paths = app.record(current)["units"] if current else {}
    except ReleaseError:
        paths = {}
    names = [os.path.basename(path) for path in paths if path.endswith(".service") and "@" not in path]
    return [app.unit(current, "service"), *sorted(set(names) - {f"{app.name}-web.service"})] if current else []


def _show(run: Run, units: Sequence[str]) -> dict[str, dict[str, str]]:
    if not units:
        return {}
    _rc, out, _err = run(["systemctl", "show", f"--property={PROPERTIES}", *units])
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in out.split("\n\n")]
    return {block["Id"]: block for block in blocks if block.get("Id")}


def _uid(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _has_sigkill(run: Run, name: str, unit: Unit) -> bool:
    """Whether SIGKILL has ended a process of the unit in the last hour, or its main process."""
    if (unit.get("ExecMainCode"), unit.get("ExecMainStatus")) == (KILLED, SIGKILL):
        return True
    journal = ["journalctl", "--quiet", "--no-pager", "--output=cat", SINCE, "--lines=500"]
    _rc, out, _err = run([*journal, f"UNIT={name}", BY_SYSTEMD, "+", f"_SYSTEMD_UNIT={name}"])
    return bool(SAYS.search(out))


def _killed(run: Run, site: str, name: str, unit: Unit, own: Sequence[Event], of_user: Sequence[Event]) -> Finding:
    # Events that only match by user may belong to another unit, or to a container beside this one: do not count them.
    kills = own or of_user
    who, last = "a process", kills[-1] if kills else None
    if last:
        at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(last.time))
        who = f"{last.name or 'a process'} (process {last.pid}) at {at}"
    often = f", {len(own)} times in the last hour" if len(own) > 1 else ""
    group, value = _limit(run, name, unit, last)
    if not group:
        reason = "the whole host had no memory left"
        remedy = "Give the host more memory, or let its apps take less: fewer workers, or " + LIMITS % "memory: 512M"
        return Finding(site, f"The kernel killed {who} of {name}{often}: {reason}.", f"{remedy}.")
    size = f"MemoryMax of {group} is {value // MIB} MiB" if value else f"the control group {group} has no more"
    enough = f"memory: {max(2 * value // MIB, 64)}M" if value else "memory: 1G"
    return Finding(
        site,
        f"The kernel killed {who} of {name}{often}: its memory was used up, {size}.",
        f"See what takes it: `journalctl -u {name}`. If the app needs more, write {LIMITS % enough}.",
    )


def _limit(run: Run, name: str, unit: Unit, event: Event | None) -> tuple[str, int]:
    """The unit or slice whose limit was reached and its value; nothing where that was the whole host."""
    if event and not event.limit:
        return "", 0
    group = os.path.basename(event.limit) if event else ""
    if event and not group.endswith((".slice", ".service", ".scope")):
        return event.limit, 0
    for one in [group] if group else [name, unit.get("Slice", "")]:
        value = _show(run, [one]).get(one, {}).get("MemoryMax", "") if one else ""
        if value.isdigit():
            return one, int(value)
    return group, 0


def _refused(run: Run, site: str, event: Event, units: Mapping[str, Unit]) -> Finding:
    unit = units[event.unit]
    slice_name = unit.get("Slice", "")
    above = _show(run, [slice_name]).get(slice_name, {}) if slice_name else {}
    known = [(event.unit, unit.get("TasksMax", "")), (slice_name, above.get("TasksMax", ""))]
    limits = " and ".join(f"{value} for {name}" for name, value in known if value not in UNLIMITED)
    cause = f"The kernel let {event.unit} start no more processes or threads: TasksMax is {limits or 'reached'}"
    return Finding(site, f"{cause}.", f"Fewer workers or threads, or write {LIMITS % 'tasks: 4096'}.")
