# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drain this host after the balancers have stopped asking it, and bring it back before they ask it again."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._app import drained, runs_once, stop_units
from ansible_collections.gatehouse.django.plugins.module_utils._app.activation import PROCESS_START_SECONDS
from ansible_collections.gatehouse.django.plugins.module_utils._app.health import Health
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.stop_units import UP, files_of_timers
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Files, Units
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import WEB_HOST_PORTS
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import value_command

POLL_SECONDS = 0.5
# Milliseconds since the last data of a connection (ss(8)).
LAST = re.compile(r"\blast(snd|rcv):(\d+)")


@dataclass
class Host:
    """The apps of this host with their units, also those that are stopped while it is drained."""

    tools: Tools
    apps: Sequence[App]

    def units(self) -> list[tuple[Units, Files]]:
        """Return the units of each app with its files on the host."""
        found: list[tuple[Units, Files]] = []
        for app in self.apps:
            units = Units(self.tools, app)
            units.is_drained = False
            found.append((units, units.on_host()))
        return found

    def up(self) -> list[str]:
        """Return the processes, timers and jobs that run, or that a boot starts."""
        found = []
        for units, files in self.units():
            once = units.once(files)
            jobs = [_job(name) for name in files_of_timers(files)]
            names = dict.fromkeys([*units.processes(files), *units.timers(files), *once, *jobs])
            shown = {name: units.show(name) for name in names}
            found += [
                name
                for name, one in shown.items()
                if one["ActiveState"] in UP or (name not in jobs and one["UnitFileState"] == "enabled")
            ]
        return found

    def down(self) -> list[str]:
        """Return the processes and timers that a host runs which is not drained, and that do not run here."""
        return [
            name
            for units, files in self.units()
            if units.app.current()
            for name in [*units.processes(files), *units.timers(files)]
            if (one := units.show(name))["ActiveState"] != "active" or one["UnitFileState"] != "enabled"
        ]

    def once_here(self) -> list[str]:
        """Return the apps whose processes with `run_on: one` belong on this host."""
        return [units.app.name for units, _files in self.units() if units.runs_once]

    def stop_timers(self) -> None:
        """Stop the timers, so that no job begins any more. Jobs that run go on."""
        for units, files in self.units():
            with locked(f"app-{units.app.name}"):
                for name in files_of_timers(files):
                    self.tools.run(["systemctl", "--quiet", "disable", "--now", name])

    def stop(self) -> None:
        """Stop all processes, and the jobs that still run."""
        for units, files in self.units():
            with locked(f"app-{units.app.name}"):
                stop_units.stop(self.tools, units, files)
                if jobs := [_job(name) for name in files_of_timers(files)]:
                    self.tools.run(["systemctl", "stop", *jobs])

    def jobs(self) -> list[str]:
        """Return the jobs that run."""
        names = [_job(name) for units, files in self.units() for name in files_of_timers(files)]
        return [name for name in names if systemd_state(self.tools, name) in UP]

    def check(self) -> None:
        """Check the health of each release that is served; raise ReleaseError if one is not healthy."""
        for units, _files in self.units():
            if current := units.app.current():
                try:
                    Health(units, current, units.app.record(current)["health"]).wait()
                except ReleaseError as error:
                    raise ReleaseError(f"{units.app.name}: release {current} is not healthy: {error}") from error

    def start(self, once: Collection[str]) -> None:
        """Start processes and timers, for the apps of *once* also those with `run_on: one`.

        Raise ReleaseError if a process does not keep running.
        """
        started: list[tuple[Units, str]] = []
        for units, files in self.units():
            if not units.app.current():
                continue
            with locked(f"app-{units.app.name}"):
                if units.app.name in once:
                    runs_once.take(self.tools, units)
                for name in [*units.processes(files), *units.timers(files)]:
                    self.tools.attempt(["systemctl", "reset-failed", name])
                    self.tools.run(["systemctl", "--quiet", "enable", name])
                    self.tools.run(["systemctl", "start", name])
                started += [(units, name) for name in units.processes(files)]
        if started:
            time.sleep(PROCESS_START_SECONDS)
        for units, name in started:
            if units.is_down(name):
                raise ReleaseError(f"{units.app.name}: unit {name} did not keep running: journalctl -n 50 -u {name}")


def requests(tools: Tools, balancers: Collection[str]) -> list[str]:
    """Describe the connections of *balancers* to nginx on this host: requests that run.

    A balancer that does not use this host any more keeps no idle connection to it.
    """
    ports = " or ".join(f"sport = :{port}" for port in WEB_HOST_PORTS)
    command = ["ss", "--no-header", "--tcp", "--numeric", "--info", "state", "established", f"( {ports} )"]
    lines = tools.run(command).splitlines()
    found = []
    for number, line in enumerate(lines):
        peer = _address(line)
        if peer in balancers:
            info = lines[number + 1] if number + 1 < len(lines) else ""
            found.append(f"{_kind(dict(LAST.findall(info)))} (balancer {peer})")
    return sorted(found)


def _address(line: str) -> str:
    """Return the address of the other side in a line of ss(8), empty for a line without one."""
    words = line.split()
    if line[:1].isspace() or len(words) < 4:
        return ""
    try:
        address = ipaddress.ip_address(words[3].rpartition(":")[0].strip("[]").partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _kind(last: dict[str, str]) -> str:
    sent, received = (int(last.get(name, 0)) for name in ("snd", "rcv"))
    # nginx has sent nothing since the request came.
    if sent > received:
        return f"a page that the app has not answered for {received / 1000:.0f} s"
    return f"a websocket, a download or a stream, last used {min(sent, received) / 1000:.0f} s ago"


def wait(tools: Tools, host: Host, balancers: Collection[str], seconds: float) -> list[str]:
    """Wait until no request and no job runs, at most *seconds*; return those that still do."""
    deadline = time.monotonic() + seconds
    while True:
        found = [*requests(tools, balancers), *(f"job {name}" for name in host.jobs())]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)


def begin(tools: Tools, host: Host, balancers: Collection[str], seconds: float) -> list[str]:
    """Drain the host; return the requests and jobs that were still running when the time was over."""
    # A deployment that begins now starts no process.
    drained.mark(host.once_here())
    host.stop_timers()
    left = wait(tools, host, balancers, seconds)
    host.stop()
    return left


def end(host: Host, once: Collection[str]) -> None:
    """Bring the host back, and have it run what runs on one host of the apps of *once*.

    Raise ReleaseError if an app or a process is not healthy. Then the host stays drained.
    """
    host.check()
    try:
        host.start(once)
    except ReleaseError:
        host.stop()
        raise
    drained.end()


def systemd_state(tools: Tools, name: str) -> str:
    """Return the ActiveState of a unit."""
    return tools.attempt(value_command(name, "ActiveState"))[1].strip()


def _job(timer: str) -> str:
    return f"{timer.removesuffix('.timer')}.service"
