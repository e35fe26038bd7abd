# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of an upgrade under way, from which the next run undoes or finishes one that was killed.

As long as the new cluster is not proven, nothing of the live one was given up, and a killed upgrade is undone. From
then on it is finished. The record says afterwards what was upgraded, for the way back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import UPGRADE_JOURNAL, UPGRADE_RECORD
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError


class Record(TypedDict, total=False):
    """The last upgrade; empty if there was none."""

    old: str  # versions of PostgreSQL
    new: str
    name: str  # of the cluster
    at: str  # UTC
    writes: dict[str, object]  # counters by database (rows.writes)


@dataclass
class Journal:
    """What is under way."""

    old: str  # the version
    new: str
    name: str  # of both clusters
    data: str  # the directory of the new one
    start: str  # the text of the old one's start.conf
    apps: list[str] = field(default_factory=list)  # those that were stopped
    is_proven: bool = False  # the new cluster has all that the old one has
    is_back: bool = False  # the old cluster shall serve again

    def write(self) -> None:
        """Put it on the disk."""
        _write(UPGRADE_JOURNAL, asdict(self))


def read() -> Journal | None:
    """Return the journal of an upgrade that has not ended, None without one."""
    text = files.read(UPGRADE_JOURNAL)
    if text is None:
        return None
    try:
        return Journal(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise PostgresqlError(f"'{UPGRADE_JOURNAL}' is damaged ({error}). See docs/postgresql-upgrade.md.") from error


def forget() -> None:
    """Remove the journal: the upgrade has ended."""
    files.remove(Path(UPGRADE_JOURNAL))


def record(found: Record | None) -> None:
    """Keep what was upgraded, for the way back; None forgets it."""
    if found is None:
        files.remove(Path(UPGRADE_RECORD))
    else:
        _write(UPGRADE_RECORD, found)


def recorded() -> Record:
    """Return what was upgraded last; empty if nothing was."""
    try:
        found: Record = json.loads(files.read(UPGRADE_RECORD) or "{}")
    except ValueError:
        return {}
    return found


def _write(path: str, content: Mapping[str, object]) -> None:
    files.make_directory(Path(path).parent, 0o700)
    files.replace(Path(path), json.dumps(content), 0o600)
