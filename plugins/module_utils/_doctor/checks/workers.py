# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers and other processes of an app that do not run. No page shows that: what they do happens later."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._app import drained
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host

# Units of an app that a boot starts, as role django_app writes them; the web's have another check.
SERVICE = re.compile(r"[a-z0-9_-]+\.service")
PROPERTIES = f"{systemd.PROPERTIES},FreezerState,ActiveEnterTimestampMonotonic"


def check_workers(host: Host, site: str, app: str) -> list[Finding]:
    """One finding for each process of *app* that is stopped or fails; *site* is the app's."""
    units = list(processes(app))
    states = systemd.show_all(host.run, units, PROPERTIES)
    secrets = systemd.environment(os.path.join(App(app).link, "env")) if units else {}
    found = []
    for unit in units:
        state = states.get(unit, {})
        stopped = is_stopped(state)
        if stopped:
            cause = f"The process {unit} of app {app} is {stopped[0]}, so nothing does its work"
            found.append(Finding(site, f"{cause}.", f"`systemctl {stopped[1]} {unit}`"))
            continue
        if state.get("ActiveState") in ("active", "reloading") and not systemd.is_failing(state):
            continue
        if state.get("ActiveState") == "activating" and not systemd.is_failing(state):
            continue  # it starts for the first time
        cause = f"The process {unit} of app {app} does not run: it is {systemd.state(state)}, so nothing does its work"
        if systemd.is_failing(state):
            words = systemd.last_words(host.run, unit, secrets)
            cause = f"{cause}. Its journal says: {words}" if words else cause
            remedy = f"Read `journalctl -n 50 -u {unit}`, correct what it names, then `systemctl restart {unit}`."
        else:
            remedy = f"`systemctl start {unit}`"
        found.append(Finding(site, f"{cause}.", remedy))
    return found


def is_stopped(state: Mapping[str, str], proc: str = "/proc") -> tuple[str, str] | None:
    """How an active unit is kept from working, and the words for systemctl that let it go on; None if it is not."""
    if state.get("ActiveState") != "active":
        return None
    if state.get("FreezerState") == "frozen":
        return "frozen (`systemctl freeze`)", "thaw"
    try:
        with open(os.path.join(proc, state.get("MainPID") or "0", "stat"), encoding="utf-8", errors="replace") as file:
            # The name, in parentheses, may contain any character (proc(5)).
            kind = file.read(4096).rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return None
    return ("stopped by a signal (SIGSTOP)", "kill --signal=CONT") if kind == "T" else None


def processes(app: str, directory: str = UNIT_DIRECTORY) -> dict[str, str]:
    """The units of the app's processes, with their texts: those with Gatehouse's mark that a boot starts."""
    # Those of a drained host are stopped on purpose.
    if drained.is_drained():
        return {}
    found = {}
    for name in sorted(_names(directory)):
        if not SERVICE.fullmatch(name) or not name.startswith(f"{app}-") or name == f"{app}-web.service":
            continue
        try:
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                text = file.read(65536)
        except (OSError, ValueError):
            continue
        # Another app's name may begin with this one's.
        runs_once = App(app).runs_once
        is_elsewhere = f"\nConditionPathExists={runs_once}\n" in text and not os.path.lexists(runs_once)
        if f"# Made by Gatehouse for the app {app};" in text and "\n[Install]\n" in text and not is_elsewhere:
            found[name] = text
    return found


def _names(directory: str) -> Collection[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
