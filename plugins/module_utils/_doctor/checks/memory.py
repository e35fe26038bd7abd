# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes of an app that the kernel or systemd-oomd(8) killed for lack of memory, or the kernel did not let start."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core import journal
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import show_all
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import kernel_log
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.kernel_log import LAST_HOUR, Event
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding

PROPERTIES = "Result,MemoryMax,TasksMax,Slice"
UNLIMITED = ("", "infinity")
# What systemd logs of a unit (unit_log_process_exit), and gunicorn of a worker.
KILL_MESSAGE = "code=killed, status=9/KILL|was sent SIGKILL!"
# Between the kernel's line and that of systemd or gunicorn, which notice the end of the process.
SAME_KILL_SECONDS = 10
MIB = 1024**2
LIMITS = "in the app's entry of django_apps: `limits: {%s}` (django_app_limits)"

Unit = Mapping[str, str]


@dataclass(frozen=True)
class Evidence:
    """What kernel and systemd logged about all units of the host in the last hour, and the state of the apps' units."""

    events: Sequence[Event]
    # The units for which systemd logged a kill, and who killed last.
    units: Mapping[str, str]
    # By the name of the unit.
    states: Mapping[str, Unit]


@dataclass(frozen=True)
class Limit:
    """The control group that had no memory left, and its MemoryMax in bytes, 0 where that is unknown."""

    group: str
    value: int


@dataclass(frozen=True)
class Kill:
    """The processes of a unit that were killed; *limit* is None where the whole host had no memory left."""

    unit: str
    last: Event | None
    count: int
    limit: Limit | None
    # systemd-oomd does not log in the kernel's form, so *last* is None then, and knows no limit of the unit.
    by_oomd: bool = False


def read_evidence(run: Run, apps: Iterable[str], root: str = APPS) -> Evidence:
    """Read the journal and the state of the units, once for all *apps*."""
    units: list[str] = []
    for app in apps:
        # check_memory raises the exception again, for this app only.
        with contextlib.suppress(Exception):
            units += _units(App(app, root))
    return Evidence(kernel_log.recent(run), kernel_log.killed_units(run), show_all(run, units, PROPERTIES))


def check_memory(run: Run, site: str, app: str, evidence: Evidence, root: str = APPS) -> list[Finding]:
    """What the kernel did to processes of *app* in the last hour, or to a unit that has been down since then."""
    units = {unit: evidence.states[unit] for unit in _units(App(app, root)) if unit in evidence.states}
    forks = [event for event in evidence.events if event.is_fork and event.unit in units]
    refused = [_refused_finding(site, event.unit, _task_limits(run, event.unit, units)) for event in forks[-1:]]
    return refused + [_kill_finding(site, kill) for kill in _kills(run, app, units, evidence)]


def _kills(run: Run, app: str, units: Mapping[str, Unit], evidence: Evidence) -> Iterator[Kill]:
    events = [event for event in evidence.events if not event.is_fork]
    app_events = [event for event in events if event.uid == _uid(app)]
    for name, unit in units.items():
        unit_events = [event for event in events if event.unit == name]
        is_logged = name in evidence.units or unit.get("Result") == "oom-kill"
        # Where the host is itself a container, the control group is not a unit's. Then the user and the moment identify
        # the unit. An event may still belong to a container beside this one: do not count such events.
        coinciding = _at_sigkills(run, name, app_events) if app_events else []
        if unit_events or is_logged or coinciding:
            if evidence.units.get(name) == kernel_log.OOMD and not unit_events and not coinciding:
                yield Kill(name, None, 0, None, by_oomd=True)
                continue
            last = next(iter(reversed(unit_events or coinciding or app_events)), None)
            yield Kill(name, last, len(unit_events), _memory_limit(run, name, unit, last))


def _units(app: App) -> list[str]:
    """The services of the release that is served."""
    current = app.current()
    try:
        paths = app.record(current)["units"] if current else {}
    except ReleaseError:
        paths = {}
    names = [os.path.basename(path) for path in paths if path.endswith(".service") and "@" not in path]
    return [app.unit(current, "service"), *sorted(set(names) - {f"{app.name}-web.service"})] if current else []


def _uid(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _at_sigkills(run: Run, name: str, events: Sequence[Event]) -> list[Event]:
    """Those of *events* at which SIGKILL ended a process of the unit, as systemd or gunicorn logged it."""
    matches = [f"UNIT={name}", journal.BY_SYSTEMD, "+", f"_SYSTEMD_UNIT={name}"]
    text = journal.read(run, ["--output=short-unix", *LAST_HOUR, f"--grep={KILL_MESSAGE}", *matches])
    times = [int(found) for found in re.findall(r"^(\d+)\.\d+ ", text, re.MULTILINE)]
    return [event for event in events if any(abs(event.time - one) <= SAME_KILL_SECONDS for one in times)]


def _memory_limit(run: Run, name: str, unit: Unit, event: Event | None) -> Limit | None:
    """The unit or slice that reached its limit."""
    if event and not event.limit:
        return None
    group = os.path.basename(event.limit) if event else ""
    if event and not group.endswith((".slice", ".service", ".scope")):
        return Limit(event.limit, 0)
    for one in [group] if group else [name, unit.get("Slice", "")]:
        value = show_all(run, [one], PROPERTIES).get(one, {}).get("MemoryMax", "") if one else ""
        if value.isdigit():
            return Limit(one, int(value))
    return Limit(group, 0) if group else None


def _task_limits(run: Run, name: str, units: Mapping[str, Unit]) -> dict[str, str]:
    """TasksMax of the unit and of its slice, where they have one."""
    slice_name = units[name].get("Slice", "")
    above = show_all(run, [slice_name], PROPERTIES).get(slice_name, {}) if slice_name else {}
    known = {name: units[name].get("TasksMax", ""), slice_name: above.get("TasksMax", "")}
    return {one: value for one, value in known.items() if value not in UNLIMITED}


def _kill_finding(site: str, kill: Kill) -> Finding:
    if kill.by_oomd:
        return Finding(
            site,
            f"systemd-oomd killed processes of {kill.unit} in the last hour, because memory or swap ran short.",
            "`journalctl -u systemd-oomd` names the control group that was short of it. Give the host more memory, or "
            f"let its apps use less: fewer workers, or {LIMITS % 'memory: 512M'}.",
        )
    process = "a process"
    if kill.last:
        at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(kill.last.time))
        process = f"{kill.last.name or 'a process'} (process {kill.last.pid}) at {at}"
    often = f", {kill.count} times in the last hour" if kill.count > 1 else ""
    cause = f"The kernel killed {process} of {kill.unit}{often}"
    if kill.limit is None:
        remedy = "Give the host more memory, or let its apps use less: fewer workers, or " + LIMITS % "memory: 512M"
        return Finding(site, f"{cause}: the whole host had no memory left.", f"{remedy}.")
    group, value = kill.limit.group, kill.limit.value
    size = f"MemoryMax of {group} is {value // MIB} MiB" if value else f"the control group {group} has no more"
    enough = f"memory: {max(2 * value // MIB, 64)}M" if value else "memory: 1G"
    return Finding(
        site,
        f"{cause}: its memory was used up, {size}.",
        f"Find out what uses it: `journalctl -u {kill.unit}`. If the app needs more, write {LIMITS % enough}.",
    )


def _refused_finding(site: str, unit: str, limits: Mapping[str, str]) -> Finding:
    shown = " and ".join(f"{value} for {name}" for name, value in limits.items())
    cause = f"The kernel let {unit} start no more processes or threads: TasksMax is {shown or 'reached'}"
    return Finding(site, f"{cause}.", f"Configure fewer workers or threads, or write {LIMITS % 'tasks: 4096'}.")
