# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app's own cache and broker: stopped, without an answer, full, or unable to write."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host

FULL = 0.95  # of the limit: a write that needs more than what is left is refused
RUNNING = ("active", "reloading")


def check_instances(host: Host, site: str, app: str) -> list[Finding]:
    """At most one finding for each instance of *app*; *site* is the app's."""
    engines = {name: engine for name in valkey.of_app(app) if (engine := valkey.engine_of(name))}
    states = systemd.show_all(host.run, [engine.unit(name) for name, engine in engines.items()])
    found = []
    for name, engine in engines.items():
        unit = engine.unit(name)
        problem = _problem(host, app, name, unit, states.get(unit, {}))
        if problem:
            found.append(Finding(site, f"The {_kind(name)} {name} of app {app} {problem[0]}.", problem[1]))
    return found


def _kind(name: str) -> str:
    return name.rpartition("-")[2]


def _problem(host: Host, app: str, name: str, unit: str, state: dict[str, str]) -> tuple[str, str] | None:
    """What is wrong with an instance, and the remedy; None if nothing is."""
    if state.get("ActiveState") not in RUNNING:
        cause = f"does not run: {unit} is {systemd.state(state)}"
        if not systemd.is_failing(state):
            return cause, f"`systemctl start {unit}`"
        words = systemd.last_words(host.run, unit, {})
        cause = f"{cause}. Its journal says: {words}" if words else cause
        return cause, f"Read `journalctl -n 50 -u {unit}`, correct what it names, then `systemctl restart {unit}`."
    try:
        info = valkey.info(valkey.socket(name))
    except valkey.NoAnswer as error:
        return f"runs, but it does not answer: {error}", f"`systemctl restart {unit}`"
    used, limit = (int(info.get(key, "0")) for key in ("used_memory", "maxmemory"))
    if info.get("aof_last_write_status", "ok") != "ok":
        cause = "cannot write to the disk, so it refuses new tasks"
        return cause, f"Make space for {valkey.data(name)}: `df -h /var/lib`. It goes on by itself then."
    if info.get("maxmemory_policy") == "noeviction" and limit and used >= FULL * limit:
        cause = f"is full and refuses new tasks: it holds {valkey.shown(used)} of {valkey.shown(limit)}"
        more = f"{{engine: valkey, memory: {valkey.shown(2 * limit)}}}"
        return cause, f"See that the workers of {app} work. If they do, write broker: {more} in the app's entry."
    if _is_replaced(state.get("MainPID", "")):
        return "runs a program that was upgraded since it started", f"`systemctl restart {unit}`"
    return None


def _is_replaced(pid: str) -> bool:
    """Whether the file of the program was replaced (proc_pid_exe(5))."""
    try:
        return os.readlink(f"/proc/{int(pid or 0)}/exe").endswith(" (deleted)")
    except (OSError, ValueError):
        return False
