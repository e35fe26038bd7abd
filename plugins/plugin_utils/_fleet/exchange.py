# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work out which hosts of an app exchange its database, and which has the backup, from what each has returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]


def together(results: Mapping[str, Result], members: Sequence[str], app: str, *, is_check: bool) -> dict[str, Any]:
    """Return the `hosts` that exchange the database together, and of them the `holder` of the backup, with its `plan`.

    *results* are those of django_restore or django_rollback by host. *members* are the hosts of the app in the
    inventory. `refused` says why nothing is done; `is_interrupted` that a run was killed, whose plan it is. There is no
    plan if there is nothing to do.
    """
    far = {host: one for host, one in results.items() if one.get("server")}
    found: dict[str, Any] = {"hosts": list(far), "holder": "", "plan": {}, "refused": "", "is_interrupted": False}
    if not far:
        return found
    servers = sorted({one["server"] for one in far.values()})
    missing = [host for host in members if host not in far]
    if len(servers) > 1:
        return found | {"refused": f"{app}: its hosts have databases on {', '.join(servers)}. Limit the hosts with -l."}
    if missing:
        return found | {
            "refused": f"{app}: its database is exchanged under all of its hosts, and this run leaves out, or did not "
            f"reach, {', '.join(missing)}. Have them in the run, or take them out of 'hosts'. Nothing was changed."
        }
    if killed := {host: one["interrupted"] for host, one in far.items() if one.get("interrupted")}:
        holder = max(killed, key=lambda host: (killed[host]["has_backup"], killed[host]["is_undone"]))
        return found | {"holder": holder, "plan": killed[holder], "is_interrupted": True}
    planned = [host for host, one in far.items() if one.get("plan")]
    if not planned:
        refused = [str(one["refused"]) for one in far.values() if one.get("refused")]
        # Of a rollback that was done, the other hosts have no snapshot.
        return found | {"refused": f"{app}: {refused[0]}" if len(refused) == len(far) else ""}
    holder = max(planned, key=lambda host: (bool(far[host].get("is_backing_up")), far[host]["snapshot"]))
    would = "" if is_check else str(far[holder]["would"])
    return found | {"holder": holder, "plan": far[holder]["plan"], "refused": f"{app}: {would}" if would else ""}
