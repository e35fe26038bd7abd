# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a rollback of several hosts from its next step: all return to the same release, or none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.releases import (
    depend_on_host,
    differ,
    others,
    source_of,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.steps import Result, failures

REASONS = {
    "look": "The rollback is not possible on all of its hosts. Nothing was changed.",
    "start": "The release does not answer on all of its hosts. All of them go on with the release that they serve.",
    "switch": (
        "The release could not be put into service on all of its hosts. Those that serve it already return to the "
        "release before."
    ),
}


def problems(
    results: Mapping[str, Result], app: str, step: str, required: Sequence[str], outside: Sequence[Result] = ()
) -> list[str]:
    """Return why the rollback of *app* ends after *step*; nothing if the *required* hosts have ended it alike.

    *results* are those of django_rollback by host, *outside* those of django_status on the hosts that the run leaves
    out.
    """
    found = list(failures(results, app, "start" if step == "look" else step, required))
    found += [] if found else _different(results, app, required, outside)
    return [f"{app}: {REASONS[step]}", *found] if found else []


def _different(
    results: Mapping[str, Result], app: str, required: Sequence[str], outside: Sequence[Result]
) -> list[str]:
    wanted = [results[host] for host in required]
    served = [results[host].get("served") or {} for host in required]
    sources = {source_of(one) for one in wanted}
    if len(sources) > 1 or (differ(wanted) and not depend_on_host(served, wanted)):
        targets = ", ".join(f"{host} to {results[host]['release']}" for host in required)
        return [
            f"The hosts would return to different releases: {targets}. Name the one with -e release=<id>. If hosts "
            "have different versions of Python, name the part of it before the dash, which is the same on all of them."
        ]
    # Nothing is required before the first host switches.
    if left := others(outside, app, wanted):
        return [
            f"{', '.join(left)} would go on with another release, because this run leaves them out. Run it without "
            "--limit, or take them out of 'hosts'."
        ]
    return []
