# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts of an app have returned of the steps of a deployment, and what keeps the next step from beginning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import Groups, hosts_of

# As in module_utils/_app/spec.py; `cancel` is no step of a deployment that succeeds.
STEPS = ("build", "migrate", "start", "switch")
KEPT = "All hosts go on with the release that they serve"
# What is said when a step has not ended on all hosts.
REASONS = {
    "build": f"it was not built and checked on all of its hosts. Nothing was migrated. {KEPT}.",
    "migrate": f"its databases could not be migrated. {KEPT}.",
    "start": f"it does not answer on all of its hosts. Migrations that were applied stay. {KEPT}.",
    "switch": (
        "it could not be put into service on all of its hosts. Hosts that serve it already return to the release "
        "before, if they have one. Migrations that were applied stay."
    ),
}

Result = Mapping[str, Any]


def migrating(results: Mapping[str, Result], dumps: Mapping[str, int]) -> str:
    """Return the host that migrates the databases, of those that have built the release; empty for none.

    It is the first of those with the newest pg_dump, which makes the snapshot before: *dumps* has the major version of
    each host, 0 without one. An older pg_dump than the server's cannot dump it.
    """
    due = [host for host, one in results.items() if (one.get("candidate") or {}).get("is_complete") is False]
    return max(due, key=lambda host: dumps.get(host, 0), default="")


def problems(results: Mapping[str, Result], app: str, step: str, required: Sequence[str]) -> list[str]:
    """Return why the deployment of *app* ends after *step*; nothing if the *required* hosts have ended the step.

    *results* are those of the last step of each host of the play, by host; empty where there is none.
    """
    found = list(failures(results, app, step, required))
    return [f"{app}: the release is not deployed, because {REASONS[step]}", *found] if found else []


def failures(results: Mapping[str, Result], app: str, step: str, required: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each of the *required* hosts that has not ended *step*."""
    for host in required:
        one = results.get(host) or {}
        if one.get("unreachable"):
            yield f"{host}: it could not be reached. To deploy without it, exclude it with --limit."
        elif one.get("failed") and one.get("app", app) == app:
            # Ansible prints the whole message of that host, too.
            yield f"{host}: {str(one.get('msg') or 'the step failed').strip().partition(chr(10))[0]}"
        elif one.get("app") != app:
            yield f"{host}: an earlier task of the play failed there, or it could not be reached."
        elif _is_behind(one, step):
            yield f"{host}: the step '{step}' did not run there."
    if step == "build":
        yield from _different(results, required)


def _is_behind(one: Result, step: str) -> bool:
    # The look before the services are made: the host has failed since, or could not be reached.
    if one.get("step") not in STEPS:
        return True
    # Some hosts have nothing to do, and only some of the others migrate.
    if not one.get("candidate") or step == "migrate":
        return False
    return STEPS.index(one["step"]) < STEPS.index(step)


def _different(results: Mapping[str, Result], required: Sequence[str]) -> Iterator[str]:
    """Yield a sentence if the hosts have found different revisions of the source."""
    revisions = {host: str(results[host]["revision"]) for host in required if (results.get(host) or {}).get("revision")}
    if len(set(revisions.values())) > 1:
        found = ", ".join(f"{revision[:12]} on {host}" for host, revision in revisions.items())
        yield f"The hosts have found different revisions of the source ({found}): it changed meanwhile. Run this again."


def single(
    results: Mapping[str, Result], outside: Sequence[Result], app: str, dumping: Sequence[str] | None = None
) -> str:
    """Return the host for what runs on one host: the one where it runs already, or the first one that is not drained.

    It has the backup, too. *dumping* are the hosts that can make it, all for None. If one of them is not drained, it
    runs there. The play stops it on a drained host, where a run that was killed has left it.

    It is empty if a host that cannot be asked may run it, or if all are drained.
    *outside* is what django_status has found on the hosts of the app that are not in the play.
    """
    elsewhere = [
        str(one["item"])
        for one in outside
        for found in one.get("apps") or []
        if found["name"] == app and found["runs_once"]
    ]
    used = [host for host, one in results.items() if not one.get("drained")]
    able = [host for host in used if dumping is None or host in dumping] or used
    holders = [host for host in used if results[host].get("runs_once")]
    if found := [*[host for host in holders if host in able], *elsewhere]:
        return found[0]
    is_unknown = not holders and any(one.get("unreachable") for one in outside)
    return "" if is_unknown or not able else able[0]


def unready(
    apps: Sequence[object],
    names: Sequence[str],
    left: Sequence[str],
    groups: Groups,
    alive: Sequence[str],
    play: Sequence[str],
) -> list[str]:
    """Return why a host must go on as it is: its apps *names*, which other hosts have, were not deployed there.

    *left* are those of them that this host still has itself. *alive* are the hosts of the *play* without a failure.
    """
    found = []
    for name in names:
        entry = next((app for app in apps if isinstance(app, Mapping) and app.get("name") == name), {})
        members = hosts_of(entry, groups, f"App '{name}'") or []
        failed = [host for host in members if host in play and host not in alive]
        if failed:
            found.append(f"{name} was not deployed on {', '.join(failed)}.")
        elif name in left and not any(host in alive for host in members):
            found.append(
                f"{name} belongs on {', '.join(members)}, and this run has none of them: run it without --limit."
            )
    return found
