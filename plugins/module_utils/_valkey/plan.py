# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run changes: it is all worked out, and refused if necessary, before anything changes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.gatehouse.django.plugins.module_utils._core import files, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._valkey import host, texts
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.access import (
    Access,
    property_files,
    without_clients,
)
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.spec import Instance

RUNNING = ("active", "reloading")


class Refused(Exception):
    """The host stays as it is; the text says why."""


@dataclass(frozen=True)
class Change:
    """What is to be done with one instance."""

    name: str
    unit: str
    # Contents by path; None for a file that goes.
    files: Mapping[str, str | None] = field(default_factory=dict)
    stop: bool = False
    start: bool = False  # enable it, and start it anew
    lets_in: str = ""  # the drop-in whose hosts it lets in without a restart
    data: str = ""  # the directory that is deleted
    said: str = ""  # what the operator is told

    @property
    def is_due(self) -> bool:
        """Whether anything changes."""
        return bool(self.files or self.stop or self.start or self.lets_in or self.data)


def changes(
    run: Run,
    engine: valkey.Engine,
    instances: Sequence[Instance],
    confirmed: str,
    accesses: Mapping[str, Access],
) -> list[Change]:
    """Return what each of *instances* needs; raise Refused for what must not be done.

    *accesses* has those that other hosts use, by name.
    """
    units = [engine.unit(one["name"]) for one in instances]
    states = host.states(run, units)
    found = []
    for one, unit in zip(instances, units, strict=True):
        state = states.get(unit, {})
        if one["state"] == "present":
            found.append(_present(engine, one, state, accesses.get(one["name"])))
        else:
            found.append(_gone(engine, one, state, confirmed))
    return [change for change in found if change.is_due]


def _present(engine: valkey.Engine, one: Instance, state: Mapping[str, str], access: Access | None) -> Change:
    wanted = {
        valkey.configuration(one["name"]): texts.configuration(one, engine, access),
        engine.drop_in(one["name"]): texts.drop_in(one, engine, access),
    }
    before = {path: files.read(path) for path in wanted}
    for reason in _refusals(engine, one, before):
        raise Refused(f"{one['name']}: {reason} Nothing was changed.")
    differing = {path: text for path, text in wanted.items() if before[path] != text}
    is_enabled = state.get("UnitFileState") == "enabled"
    is_current = is_enabled and _is_current(one, wanted[engine.drop_in(one["name"])], state)
    # The process may have been started with a file that was edited by hand. Which hosts reach it, systemd decides.
    is_other = any(without_clients(before[path] or "") != without_clients(text) for path, text in differing.items())
    name, unit, start = one["name"], engine.unit(one["name"]), is_other or not is_current
    lets_in = not start and (differing or property_files(unit))
    return Change(name, unit, differing, start=start, lets_in=wanted[engine.drop_in(name)] if lets_in else "")


def _is_current(one: Instance, drop_in: str, state: Mapping[str, str]) -> bool:
    """Return whether the process runs, with these files, for the group as it is now."""
    digest = host.digest_of(state.get("MainPID", ""))
    is_right_group = host.group_of_socket(one["name"]) == host.group_id(one["group"] or "")
    is_running = state.get("ActiveState") in RUNNING and state.get("NeedDaemonReload") != "yes"
    return is_running and is_right_group and bool(digest) and f"{texts.DIGEST}={digest}\n" in drop_in


def _refusals(engine: valkey.Engine, one: Instance, before: Mapping[str, str | None]) -> Iterator[str]:
    """Yield why the instance must not be made or changed."""
    name, size = one["name"], valkey.parse_memory(one["memory"])
    for other in valkey.ENGINES:
        path = other.packaged_configuration(name)
        if os.path.lexists(path):
            yield f"'{path}' belongs to an instance of this name that Gatehouse did not make. Choose another name."
    for path, text in before.items():
        kind = texts.kind_of(text or "")
        if text is not None and kind != one["kind"]:
            what = f"a {kind}" if kind else f"no file of Gatehouse ('{path}')"
            yield f"kind: it is {what} now, and this would make it a {one['kind']}. Use another name."
    if before[engine.drop_in(name)] and valkey.is_remote(name) != bool(one["remote"]):
        users = "an app on this host uses it" if one["remote"] else "apps on other hosts use it"
        yield (
            f"{users}, and would lose it. Remove the option {one['kind']} from that app and deploy it first; then stop "
            f"this instance with the role valkey (state: stopped). A stopped broker keeps its data."
        )
    total = host.total_memory()
    if total and size > total:
        yield f"memory: {one['memory']} is more than the host has ({valkey.shown(total)}). Use less."
    if one["kind"] == "broker" and valkey.engine_of(name):
        used = used_memory(name)
        if used > size:
            yield (
                f"memory: {one['memory']} is less than the {valkey.shown(used)} that the broker holds now, so it would "
                "take no more tasks. Use more, or let the workers empty it first."
            )


def used_memory(name: str) -> int:
    """Return the bytes that a running instance uses, 0 if it does not answer."""
    try:
        return int(valkey.info(valkey.socket(name)).get("used_memory", "0"))
    except (valkey.NoAnswer, ValueError):
        return 0


def _gone(engine: valkey.Engine, one: Instance, state: Mapping[str, str], confirmed: str) -> Change:
    """Return how the instance is stopped. Only the data of a confirmed broker are deleted."""
    name, is_removed = one["name"], one["state"] == "absent"
    configuration, data = valkey.configuration(name), valkey.data(name)
    has_data = one["kind"] == "broker" and os.path.isdir(data)
    if is_removed and has_data and confirmed != name:
        raise Refused(
            f"{name}: would delete {data} with all that the broker holds, and this cannot be undone. To confirm it, "
            f"set confirm to '{name}'. To keep the data, use state 'stopped'. Nothing was changed."
        )
    # A stopped broker keeps its configuration: it says what its data are.
    paths = [engine.drop_in(name), *([configuration] if is_removed or one["kind"] == "cache" else [])]
    gone = {path: None for path in paths if texts.kind_of(files.read(path) or "")}
    is_running = state.get("ActiveState") in (*RUNNING, "activating", "failed")
    # A unit without Gatehouse's drop-in is that of others.
    stop = engine.drop_in(name) in gone and (is_running or state.get("UnitFileState") == "enabled")
    said = f"{name}: stopped. Its data are kept in {data}." if gone and has_data and not is_removed else ""
    return Change(name, engine.unit(name), gone, stop=stop, data=data if is_removed and has_data else "", said=said)
