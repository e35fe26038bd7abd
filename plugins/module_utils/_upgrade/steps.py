# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of the module postgresql_upgrade, and what each answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._backup import lost_writes
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import hba
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PORT, PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import (
    apps,
    clusters,
    journal,
    packages,
    report,
    rows,
)
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import look as questions
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import rehearsal as rehearsals
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import upgrade as upgrades
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.clusters import Server

Answer = dict[str, Any]


@dataclass(frozen=True)
class Due:
    """An upgrade that could be done."""

    live: Server
    target: str  # the version
    using: list[apps.Using]
    packages: list[str]  # that are not installed
    problems: list[str]
    lines: list[str]


def look(tools: Tools, version: str, copies: int) -> Answer:
    """Say what an upgrade would do. *copies* of the data must fit on the disk."""
    answer: Answer = {"changed": False, "is_due": False, "is_interrupted": False, "packages": [], "problems": []}
    if note := journal.read():
        what = "way back" if note.is_back else "upgrade"
        end = "finishes" if note.is_proven else "undoes"
        between = f"{note.old}/{note.name} and {note.new}/{note.name}"
        line = f"the {what} between {between} was interrupted; the next run {end} it"
        return {**answer, "is_due": True, "is_interrupted": True, "lines": [line]}
    found = examine(tools, version, copies)
    if isinstance(found, list):
        return {**answer, "lines": found}
    problems = [harmless(text, keep="\n") for text in found.problems]
    return {**answer, "is_due": True, "packages": found.packages, "problems": problems, "lines": found.lines}


def examine(tools: Tools, version: str, copies: int) -> Due | list[str]:
    """Return the upgrade that could be done, or lines that say why there is none."""
    known = clusters.listed()
    live = next((one for one in known if one.port == PORT), None)
    if live is None:
        others = ", ".join(f"{one.label} on port {one.port}" for one in known)
        return [f"no cluster on port {PORT}{f' ({others})' if others else ''}: nothing to upgrade"]
    target = version or packages.distribution()
    if not target.isdigit():
        raise PostgresqlError(f"version: '{target}' is no major version, like '17'. Nothing was changed.")
    if int(target) <= int(live.major):
        return [f"cluster {live.label} on port {PORT}: nothing to upgrade to {target}", *way_back_lines(known)]
    if not live.is_online:
        raise PostgresqlError(f"The cluster {live.label} does not run. Start it: systemctl start {live.unit}")
    state = questions.state(live)
    wanted = packages.needed(live.major, target)
    using, unreadable = apps.using(tools)
    problems = [*questions.problems(live, state), *unreadable]
    if f"postgresql-{target}" not in wanted:
        problems.append(f"apt has no package postgresql-{target}: add its source, or upgrade the host first")
    else:
        problems += packages.lacking(live.major, target, state["extensions"], wanted)
    existing = next((one for one in known if (one.major, one.name) == (target, live.name)), None)
    if existing and clusters.has_data(existing):
        problems.append(questions.in_the_way(existing))
    if lack := questions.room(live, target, state["size"], copies):
        problems.append(lack)
    lines = [
        *report.found(live, state, target, [one for one in known if one != live]),
        f"would upgrade it to {target}/{live.name}, and keep {live.label} stopped on another port",
        *used_by(live, using),
    ]
    return Due(live, target, using, packages.missing(wanted), problems, lines)


def used_by(live: Server, using: list[apps.Using]) -> list[str]:
    """Say which apps have no database meanwhile."""
    lines = [f"app {one.name} is {'stopped meanwhile' if one.is_running else 'stopped already'}" for one in using]
    remote = hba.clients(files.read(f"{live.configuration}/pg_hba.conf") or "")
    return [
        *lines,
        *(
            f"app {harmless(one.app)} on {harmless(one.host)} goes on running and gets errors from the database "
            "meanwhile; its backups need a pg_dump of the new version there"
            for one in remote
        ),
    ]


def way_back_lines(known: list[Server]) -> list[str]:
    """Say that the old cluster is still there, and how to drop it."""
    found = journal.recorded()
    old = next((one for one in known if found and (one.major, one.name) == (found["old"], found["name"])), None)
    if old is None:
        return []
    return [
        f"cluster {old.label} of before {found['at']} is kept on port {old.port}. It is the way back (-e back=true).",
        f"Once you do not need it any more: pg_dropcluster {old.major} {old.name}, apt purge postgresql-{old.major}",
    ]


def rehearse(tools: Tools, version: str) -> Answer:
    """Upgrade a copy."""
    due = _due(tools, version, copies=2)
    proof = rehearsals.rehearse(tools, due.live, due.target)
    down = report.seconds_down(tools.phases)
    lines = [
        f"rehearsed on a copy: {due.live.label} to {due.target}/{due.live.name}. The apps will have no database for "
        f"about {max(down, 1):.0f} s, besides the seconds in which they stop and start",
        f"seconds: {report.phases(tools.phases)}",
        *report.proven(proof),
    ]
    return {"changed": False, "lines": lines, "phases": tools.phases}


def upgrade(tools: Tools, version: str) -> Answer:
    """Upgrade the live cluster, or only undo or finish an upgrade that was killed."""
    if note := _recovered(tools):
        return note
    due = _due(tools, version, copies=1)
    with apps.held([one.name for one in due.using]):
        proof = upgrades.upgrade(tools, due.live, due.target, due.using)
    lines = [
        f"PostgreSQL {due.target}/{due.live.name} serves on port {PORT} instead of {due.live.label}. The apps had no "
        f"database for {report.seconds_down(tools.phases):.0f} s",
        f"seconds: {report.phases(tools.phases)}",
        *report.proven(proof),
        *(f"app {one.name} answers" for one in due.using if one.is_running),
        *way_back_lines(clusters.listed()),
    ]
    return {"changed": True, "lines": lines, "phases": tools.phases}


def back(tools: Tools, version: str) -> Answer:
    """Have the old cluster serve again. Its record says which: *version* has no effect."""
    if note := _recovered(tools):
        return note
    found = recorded()
    using, _unreadable = apps.using(tools)
    running = [one.name for one in using if one.is_running]
    with apps.held([one.name for one in using]):
        upgrades.back(tools, found, running)
    old, new = (f"{version}/{found['name']}" for version in (found["old"], found["new"]))
    lines = [
        f"PostgreSQL {old} serves on port {PORT} again, with the data of {found['at']}",
        f"seconds: {report.phases(tools.phases)}",
        f"{new} is stopped and has what was written since. Drop it before you upgrade again: pg_dropcluster "
        f"{found['new']} {found['name']}",
        *(
            f"app {name}: its release has migrations that these data lack. Roll it back, or deploy it again"
            for name in apps.unmigrated(running)
        ),
    ]
    return {"changed": True, "lines": lines, "phases": tools.phases}


def look_back(tools: Tools, version: str) -> Answer:
    """Say what the way back would do, unless one was interrupted."""
    if journal.read():
        return {"changed": False, "lines": look(tools, version, 0)["lines"]}
    return {"changed": False, "lines": lost(recorded())}


def lost(found: journal.Record) -> list[str]:
    """Say what was written to the new cluster since the upgrade, and would be gone from the apps."""
    new = clusters.require(found["new"], found["name"])
    lines = [f"would have {found['old']}/{found['name']} serve again, with the data of {found['at']}"]
    for database, now in rows.writes(new).items():
        before = lost_writes.checked(found["writes"].get(database))
        said = lost_writes.explain(before, lost_writes.checked(now))
        lines += [f"would be lost in database {harmless(database)}: {text}" for text in said]
    return [*lines, f"They stay in {new.label}, which is kept, stopped."]


def recorded() -> journal.Record:
    """Return the record of the last upgrade; raise PostgresqlError if there is no way back."""
    found = journal.recorded()
    if not found or clusters.get(found["old"], found["name"]) is None:
        raise PostgresqlError("There is no cluster from before an upgrade to go back to. Nothing was changed.")
    return found


def _recovered(tools: Tools) -> Answer | None:
    note = journal.read()
    if note is None:
        return None
    with apps.held(note.apps):
        upgrades.recover(tools)
    is_new = note.is_proven and not note.is_back
    version = note.new if is_new else note.old
    done = "finished" if note.is_proven else "undone"
    line = (
        f"what was interrupted is {done}: PostgreSQL {version}/{note.name} serves on port {PORT}. Nothing else was done"
    )
    return {"changed": True, "lines": [line], "phases": tools.phases}


def _due(tools: Tools, version: str, copies: int) -> Due:
    """Return the upgrade; raise PostgresqlError for what prevents it."""
    found = examine(tools, version, copies)
    if isinstance(found, list):
        raise PostgresqlError("\n".join([*found, "Nothing was changed."]))
    problems = list(found.problems)
    if found.packages:
        problems.append(f"these packages are not installed: {', '.join(found.packages)}")
    if problems:
        raise PostgresqlError("\n".join([*problems, "Nothing was changed."]))
    return found


STEPS = {"rehearse": rehearse, "upgrade": upgrade, "look_back": look_back, "back": back}
