# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at the cluster that apps use: what an upgrade would do, and why it cannot be done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import SUPERUSER
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import clusters
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.clusters import Server

KEPT_FREE = 0.1  # of what is free now
LOG_BYTES = 1 << 28  # of the write-ahead log and what initdb makes
VERSIONS_SINCE = 15  # pg_database.datcollversion
STATE = """
SELECT json_build_object(
  'version', current_setting('server_version'), 'checksums', current_setting('data_checksums'),
  'is_standby', pg_is_in_recovery(),
  'prepared', (SELECT coalesce(json_agg(gid), '[]') FROM pg_prepared_xacts),
  'slots', (SELECT coalesce(json_agg(slot_name), '[]') FROM pg_replication_slots WHERE NOT temporary),
  'standbys', (SELECT count(*) FROM pg_stat_replication),
  'subscriptions', (SELECT coalesce(json_agg(subname), '[]') FROM pg_subscription),
  'tablespaces', (SELECT coalesce(json_agg(spcname), '[]') FROM pg_tablespace WHERE oid >= 16384),
  'closed', (SELECT coalesce(json_agg(datname), '[]') FROM pg_database
             WHERE NOT datallowconn AND datname <> 'template0'),
  'invalid', (SELECT coalesce(json_agg(datname), '[]') FROM pg_database WHERE datconnlimit = -2),
  'port_file', (SELECT coalesce(sourcefile, '') FROM pg_settings WHERE name = 'port'),
  'size', (SELECT sum(pg_database_size(oid)) FROM pg_database)::bigint,
  'databases', (SELECT json_agg(json_build_object('name', datname, 'encoding', pg_encoding_to_char(encoding),
      'collate', datcollate, 'ctype', datctype) ORDER BY datname) FROM pg_database WHERE datname !~ '^template')
)
"""
EXTENSIONS = "SELECT coalesce(json_agg(extname ORDER BY extname), '[]') FROM pg_extension"
MISMATCHES = """
SELECT coalesce(json_agg(datname ORDER BY datname), '[]') FROM pg_database
WHERE datallowconn AND datcollversion <> pg_database_collation_actual_version(oid)
"""
EMPTY = """
SELECT (SELECT count(*) FROM pg_database WHERE oid >= 16384) + (SELECT count(*) FROM pg_roles WHERE oid >= 16384)
  + (SELECT count(*) FROM pg_class WHERE oid >= 16384)
"""


class Database(TypedDict):
    """A database of the cluster."""

    name: str
    encoding: str
    collate: str
    ctype: str


class State(TypedDict):
    """What the questions about the cluster answer; lists are of names."""

    version: str
    checksums: str  # on or off
    is_standby: bool
    prepared: list[str]
    slots: list[str]
    standbys: int
    subscriptions: list[str]
    tablespaces: list[str]
    closed: list[str]
    invalid: list[str]
    port_file: str
    size: int  # bytes
    databases: list[Database]
    extensions: dict[str, list[str]]  # by database
    mismatches: list[str]


def state(one: Server) -> State:
    """Ask the cluster."""
    found: State = json.loads(one.ask(STATE))
    found["extensions"] = {name: json.loads(one.ask(EXTENSIONS, name)) for name in one.databases()}
    is_known = int(one.major) >= VERSIONS_SINCE
    found["mismatches"] = json.loads(one.ask(MISMATCHES)) if is_known else []
    return found


def problems(one: Server, found: State) -> Iterator[str]:
    """Yield why the cluster cannot be upgraded: what is found, and a remedy."""
    if found["is_standby"]:
        yield "this server is a standby: upgrade its primary, and make the standby anew from it"
    if found["slots"] or found["standbys"]:
        yield (
            f"other servers replicate from it (slots: {_names(found['slots']) or 'none'}; connected: "
            f"{found['standbys']}). They cannot follow to another version: stop them, drop the slots "
            "(SELECT pg_drop_replication_slot('NAME')), and make them anew afterwards. A running pg_basebackup counts, "
            "too"
        )
    if found["subscriptions"]:
        yield f"it has subscriptions ({_names(found['subscriptions'])}): drop them, and make them anew afterwards"
    if found["prepared"]:
        yield (
            f"it has prepared transactions ({_names(found['prepared'])}): COMMIT PREPARED or ROLLBACK PREPARED each of "
            "them in its database (pg_prepared_xacts)"
        )
    if found["tablespaces"]:
        yield (
            f"it has tablespaces ({_names(found['tablespaces'])}): move their objects to pg_default and drop them, or "
            "run pg_upgradecluster by hand"
        )
    for name in found["closed"]:
        shown = harmless(name)
        yield (
            f"database '{shown}' accepts no connections, and pg_upgrade refuses such a database: "
            f'ALTER DATABASE "{shown}" ALLOW_CONNECTIONS true, or drop it'
        )
    for name in found["invalid"]:
        yield f"database '{harmless(name)}' is what an interrupted DROP DATABASE has left: drop it"
    if found["port_file"] != f"{one.configuration}/postgresql.conf":
        yield (
            f"its port is set in '{found['port_file'] or 'an argument of its start'}': write it into "
            f"{one.configuration}/postgresql.conf instead, where postgresql-common changes it"
        )
    if int(one.major) < 10:
        yield f"PostgreSQL {one.major} is too old for this playbook: run pg_upgradecluster by hand"


def room(one: Server, target: str, size: int, copies: int) -> str:
    """Return what the file system of the data lacks for *copies* of them; empty if they fit."""
    directory = clusters.data_beside(one, target, one.name)
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    space = os.statvfs(directory)
    free, wanted = space.f_bavail * space.f_frsize, copies * (size + LOG_BYTES)
    if wanted <= free * (1 - KEPT_FREE):
        return ""
    return (
        f"the file system of {directory} has {free / 2**20:.0f} MB free; {copies} more "
        f"{'copies' if copies > 1 else 'copy'} of the data with a rest take {wanted / 2**20 / (1 - KEPT_FREE):.0f} MB"
    )


def is_empty(one: Server) -> bool:
    """Return whether the cluster, which runs, has nothing but what initdb made."""
    return all(int(one.ask(EMPTY, name)) == 0 for name in (SUPERUSER, "template1"))


def in_the_way(one: Server) -> str:
    """Return why the cluster prevents the upgrade, and what to do."""
    return (
        f"the cluster {one.label} exists already and has data or roles. If they are of no use, drop it: "
        f"pg_dropcluster --stop {one.major} {one.name}"
    )


def _names(names: list[str]) -> str:
    return harmless(", ".join(map(str, names)))
