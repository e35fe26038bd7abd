# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup and a snapshot record of themselves.

A backup comes from a repository that others may write, and of another host: choice.manifest() only knows that it has
the keys. What is passed on to programs or shown is checked where it is used.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Writes(TypedDict, total=False):
    """What a database has counted (lost_writes); empty if it is unknown."""

    rows: dict[str, int]  # of SQLite, by table
    reset: str  # of PostgreSQL: when the counters and the server began
    tables: dict[str, list[int]]  # of PostgreSQL: oid, inserted, updated and deleted rows by table


class Dump(TypedDict):
    """What the process that dumped a database reported."""

    version: str  # of the server
    rows: dict[str, int]  # by table
    roles: list[str]  # other roles with rights in it
    extensions: list[str]
    writes: Writes


class StoredDatabase(Dump):
    """A database of a backup or a snapshot."""

    alias: str  # in DATABASES
    vendor: str
    name: str
    host: str
    file: str  # the name of its dump
    path: str  # of SQLite's file below the app's data; empty for others
    size: NotRequired[int]  # bytes; only in a snapshot


class Stored(TypedDict):
    """What both have."""

    app: str
    databases: list[StoredDatabase]
    left_out: list[str]  # sentences
    media_group: NotRequired[int]  # only in a backup


class Manifest(Stored):
    """`manifest.json` of a backup."""

    host: str
    time: str  # UTC, when it began, in ISO 8601 format
    release: str
    revision: str
    versions: dict[str, str]  # of Django and Python
    user: int
    group: int
    certificates: NotRequired[list[str]]


class SnapshotManifest(Stored):
    """`manifest.json` of a snapshot before migrations."""

    began: str  # UTC in ISO 8601 format
    before: str  # the release that was served
    candidate: str
    migrations: list[str]  # that were about to be applied
    applied: list[str]
    already: list[str]  # of those, what the served release does not know: a failed deployment applied them
    seconds: float
    bytes: int
    after: NotRequired[dict[str, Writes]]  # counters after the migrations, by alias
    restored: NotRequired[str]  # when a rollback took it
