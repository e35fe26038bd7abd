# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work out which hosts of an app exchange its database, and which has the backup, from what each has returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]


def together(
    results: Mapping[str, Result], members: Sequence[str], app: str, *, is_check: bool, is_lost: bool = False
) -> dict[str, Any]:
    """Return the `hosts` that exchange the database together, and of them the `holder` of the backup, with its `plan`.

    *results* are those of django_restore or django_rollback by host. *members* are the hosts of the app in the
    inventory. With *is_lost*, the database is gone or empty, so nothing of it is replaced. `refused` says why nothing
    is done; `is_interrupted` that a run was killed, whose plan it is, and `left` what is left to do of it: `all` of it,
    to `end` it or to `discard` it. There is no plan if there is nothing to do.
    """
    far = {host: one for host, one in results.items() if one.get("server")}
    found: dict[str, Any] = {"hosts": list(far), "holder": "", "plan": {}, "refused": "", "is_interrupted": False}
    found["left"] = "all"
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
        return found | interrupted(killed, app, [host for host in far if host not in killed])
    # A host that has done it answers without a plan. An older snapshot would go back further.
    done = max((str(one.get("snapshot") or "") for one in far.values() if not one.get("plan")), default="")
    planned = [host for host, one in far.items() if one.get("plan") and one["snapshot"] > done]
    refused = [str(one["refused"]) for one in far.values() if one.get("refused")]
    backing_up = [str(one["refused"]) for one in far.values() if one.get("refused") and one.get("is_backing_up")]
    if backing_up:
        return found | {"refused": f"{app}: {backing_up[0]}"}
    if not planned:
        # Of a rollback that was done, the other hosts have no snapshot.
        return found | {"refused": f"{app}: {refused[0]}" if len(refused) == len(far) else ""}
    holder = max(planned, key=lambda host: (bool(far[host].get("is_backing_up")), far[host]["snapshot"]))
    plan, would = far[holder]["plan"], str(far[holder]["would"])
    if is_check or (is_lost and plan["only"] == "database"):
        would = ""
    elif would and is_lost:
        would += (
            f"\nThe database on {plan['server']} is gone, or has no tables. With -e only=database it alone is brought "
            "back, the files stay, and nothing has to be confirmed."
        )
    return found | {"holder": holder, "plan": plan, "refused": f"{app}: {would}" if would else ""}


def interrupted(killed: Mapping[str, Result], app: str, others: Sequence[str]) -> dict[str, object]:
    """Return what is left to do of a run: *killed* are the journals by host, *others* are hosts without one.

    Hosts lose their journal when the run ends, after all work with the other database; when it is undone, after the
    database is given back; or they never had one, if it was killed before anything was stopped.
    """
    if busy := {host: one["busy"] for host, one in killed.items() if one["busy"]}:
        host, why = next(iter(busy.items()), ("", ""))
        return {"refused": f"{app}: a restore or rollback of the database works on {host}. {why}"}
    holder = max(killed, key=lambda host: (killed[host]["has_backup"], killed[host]["is_undone"]))
    is_undone = any(one["is_undone"] for one in killed.values())
    answer: dict[str, object] = {"begun": list(killed), "left": "all"}
    answer |= {"holder": holder, "plan": {**killed[holder], "is_undone": is_undone}, "is_interrupted": True}
    runs = {one["kept"] for one in killed.values()}
    if len(runs) == 1 and all(one["is_switched"] and not one["is_undone"] for one in killed.values()):
        return answer | {"left": "end"}
    if not others and len(runs) == 1:
        return answer
    if len(runs) == 1 and all(one["is_undone"] or not one["is_ready"] for one in killed.values()):
        return answer | {"left": "discard"}
    return {
        "refused": f"{app}: {', '.join(killed)} have the journal of an interrupted restore or rollback, and "
        f"{', '.join(others) or 'each'} has lost it or has another one. Whether the database was exchanged is unknown: "
        "look at the databases, and see docs/way-back.md. Nothing was changed."
    }
