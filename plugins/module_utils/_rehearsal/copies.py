# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find out which databases of a candidate release can be copied: of PostgreSQL, and files of SQLite.

Of the host's own server, only a database that belongs to the app's own role is read: an app names its databases itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup import postgresql
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import cluster, copy_server
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.scratch import Scratch

PURPOSE = "rehearsal"
REMEDY = "Correct that, or remove rehearse. Nothing live was touched."


@dataclass(frozen=True)
class Copy:
    """A copy of one live database; *where* is the name of a database, or the path of a file."""

    live: Database
    aliases: tuple[str, ...]
    purpose: str
    where: str


def plan(app: App, found: Sequence[Database], directory: str, scratch: Scratch) -> list[Copy]:
    """Return the copies of the databases *found* in the candidate's settings; raise ReleaseError for what has none.

    *directory* is where the data of the rehearsal are.
    """
    groups: dict[tuple[str, str, str, str], list[Database]] = {}
    for one in found:
        if one.vendor != "sqlite" or one.path:
            groups.setdefault(one.identity, []).append(one)
    copies: list[Copy] = []
    for same in groups.values():
        live = same[0]
        if reason := _no_copy(app, live):
            raise ReleaseError(f"rehearse: DATABASES['{live.alias}'] {reason}. {REMEDY}")
        purpose = PURPOSE if not copies else f"{PURPOSE}-{len(copies) + 1}"
        is_file = live.vendor == "sqlite"
        where = os.path.join(directory, live.below(app.data)) if is_file else scratch.name(purpose)
        copies.append(Copy(live, tuple(one.alias for one in same), purpose, where))
    return copies


def is_far(live: Database) -> bool:
    """Return whether the database is one of PostgreSQL on another host."""
    return live.vendor == "postgresql" and not postgresql.is_local(live.host)


def _no_copy(app: App, live: Database) -> str:
    """Return why there can be no copy of a database; empty if there can."""
    if live.vendor == "sqlite":
        return "" if live.below(app.data) else f"is the file '{harmless(live.path)}', which is not below {app.data}"
    if live.vendor != "postgresql":
        return f"is a database of {harmless(live.vendor)}; only PostgreSQL and SQLite can be rehearsed"
    if is_far(live):
        refused = copy_server.refusal(live.major)
        return f"is on {harmless(live.host)}, and {refused}" if refused else ""
    owner = postgresql.owner(live.name)
    if owner == app.name:
        return ""
    return f"is '{harmless(live.name)}', which belongs to the role '{harmless(owner)}' and not to '{app.name}'"


def made(run: cluster.RunCommand, scratch: Scratch) -> list[str]:
    """Return the copies of this purpose on the server of the host, if it has one."""
    if shutil.which(cluster.PROGRAM) is None or cluster.find(run) is None:
        return []
    start = scratch.name(PURPOSE)
    return [name for name in scratch.names() if f"{name}-".startswith(f"{start}-")]
