# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose where what runs on one host starts when that host is drained or back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.fleet_drain import Plan, Result, current


class Moves(TypedDict):
    """By app, the host that starts what runs on one host; and what the operator must know."""

    hosts: dict[str, str]
    warnings: list[str]


def moves(
    given: Plan, found: Mapping[str, Result], others: Sequence[Result], balancers: Sequence[Result], *, back: bool
) -> Moves:
    """Return where what runs on one host starts, after the hosts of the run stop it or are *back*."""
    result: Moves = {"hosts": {}, "warnings": []}
    for app, one in given["apps"].items():
        asked = [other for other in others if other["item"] in one["others"]]
        silent = [str(other["item"]) for other in asked if other.get("unreachable") or other.get("failed")]
        here = [host for host in one["hosts"] if _runs_once(app, found[host])]
        # A run before may have ended between its stop here and its start elsewhere.
        was_here = [host for host in one["hosts"] if app in (found[host].get("drained") or {}).get("once", [])]
        if any(_runs_once(app, other) for other in asked) or (back and here) or not (here or was_here):
            continue
        targets = was_here if back else current(app, one, found, others, balancers)
        if silent and not (here and not back):
            result["warnings"].append(
                f"{app}: what runs on one host was not started, because {', '.join(silent)} could not be asked and may "
                "run it. Run this again when it can be reached."
            )
        elif targets:
            result["hosts"][app] = targets[0]
    return result


def _runs_once(app: str, result: Result) -> bool:
    return any(one["name"] == app and one["runs_once"] for one in result.get("apps") or [])
