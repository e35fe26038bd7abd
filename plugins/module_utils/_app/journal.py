# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read what the processes of an app have written to the journal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core import journal, systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.log_lines import LogLine
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import secrets_of
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_limited

SECONDS = 60.0
BYTES = 8 * 1024 * 1024
FIELDS = "MESSAGE,_SYSTEMD_UNIT,UNIT,__REALTIME_TIMESTAMP"
RunLimited = Callable[..., tuple[int, str, str]]


def web_units(app: App) -> list[str]:
    """The web services of all releases, also of those that were removed, as a pattern."""
    return [f"{app.name}-web@*.service"]


def worker_units(units: Units) -> list[str]:
    """The services of processes and jobs."""
    files = units.on_host()
    return [*units.processes(files), *(f"{timer.removesuffix('.timer')}.service" for timer in units.timers(files))]


def lines(source: str, units: Sequence[str], since: float, count: int, run: RunLimited = run_limited) -> list[LogLine]:
    """The last *count* lines since then of the units, each with *source* as its kind."""
    if not units:
        return []
    # In this order --lines means the last lines. Together with --since, systemd 252 returns the first ones otherwise.
    form = ["--all", "--output=json", "--reverse", f"--output-fields={FIELDS}"]
    limits = [f"--since=@{since:.6f}", f"--lines={count}"]
    # The app determines how much it writes.
    bounded = partial(run, data="", seconds=SECONDS, limit=BYTES)
    out = journal.read(bounded, [*form, *limits, *(f"--unit={unit}" for unit in units)])
    return [line for entry in reversed(list(map(_entry, out.splitlines()))) for line in _split(source, entry)][-count:]


def _entry(text: str) -> Mapping[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
        return found | {"seconds": int(found["__REALTIME_TIMESTAMP"]) / 1e6}
    except (ValueError, KeyError, TypeError):
        # The last line is incomplete where the output was longer than what is kept of it.
        return {}


def _split(source: str, entry: Mapping[str, Any]) -> Iterator[LogLine]:
    """The lines of a message: a traceback is one message where a program logs to the journal itself."""
    # A message of systemd about a unit comes from process 1.
    unit = entry.get("UNIT") if entry.get("_SYSTEMD_UNIT") == "init.scope" else entry.get("_SYSTEMD_UNIT")
    for one in (_message(entry).splitlines() or [""]) if entry else ():
        yield LogLine(entry["seconds"], source, str(unit or ""), one)


def _message(entry: Mapping[str, object]) -> str:
    """The message. journalctl writes one that is not UTF-8 as a list of bytes (systemd.journal-fields(7))."""
    found = entry.get("MESSAGE")
    if isinstance(found, list):
        return bytes(one for one in found if isinstance(one, int) and 0 <= one < 256).decode(errors="replace")
    return str(found or "")


def secrets(app: App) -> list[str]:
    """The secret values of all releases of the app: an older log contains older ones, that of a failed one newer."""
    releases = [app.release(name) for name in (app.current(), *app.rollback_targets()) if name]
    releases += [f"{app.failed}/{name}" for name in app.failures()]
    found = [secrets_of(systemd.environment(f"{release}/env")) for release in releases]
    return sorted({value for values in found for value in values})
