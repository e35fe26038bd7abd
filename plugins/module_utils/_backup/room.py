# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse a copy of a backup for which the host has no room: a full disk would stop the live databases."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._backup import postgresql
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import SYSTEM_PYTHON
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.copy_server import SIZE
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.superuser import literal

# Of what is free now, so much stays free.
KEPT_FREE = 0.1
# A database with its indexes, compared with its dump without compression.
LOADED = 1.5
# The live database, whose size says how much its indexes take, is on another host.
LOADED_WITH_INDEXES = 2.5
# Adds up what `restic ls` writes: a line for each file, of which there can be millions.
SUM = """
import json, sys
found = {}
for line in sys.stdin:
    one = json.loads(line)
    if one.get("type") == "file":
        path = one["path"]
        name = path if path.startswith("/databases/") else "/" + path.split("/")[1]
        found[name] = found.get(name, 0) + int(one.get("size") or 0)
print(json.dumps(found))
"""


def check(home: str, dumps: Mapping[str, str], sizes: Mapping[str, int]) -> None:
    """Raise BackupError unless a copy fits into *home* and into the directory of PostgreSQL's data.

    *home* is empty where only PostgreSQL has the copy. *sizes* are the bytes of what is restored by path in the
    snapshot; *dumps* name the live databases of those that PostgreSQL loads.
    """
    places = [(home, float(sum(sizes.values())))] if home else []
    if dumps:
        sql = "SELECT coalesce((SELECT pg_database_size(oid) FROM pg_database WHERE datname = {}), 0)"
        live = {path: int(postgresql.ask(sql.format(literal(name)))) for path, name in dumps.items()}
        directory = postgresql.ask("SHOW data_directory").strip()
        places.append((directory, sum(max(size, LOADED * sizes.get(path, 0)) for path, size in live.items())))
    for path, _size in places:
        space = os.statvfs(path)
        free = space.f_bavail * space.f_frsize
        # Both can be on one file system.
        wanted = sum(size for other, size in places if os.stat(other).st_dev == os.stat(path).st_dev)
        if wanted > free * (1 - KEPT_FREE):
            raise BackupError(
                f"The backup needs {wanted / 2**20:.0f} MB beside the live data in {path}, which has "
                f"{free / 2**20:.0f} MB free; a tenth of that stays free for the live data. Nothing was changed."
            )


def of_server(dumps: Mapping[str, str], sizes: Mapping[str, int]) -> int:
    """The bytes that a server for copies needs for the *dumps*, which have these *sizes* and no indexes."""
    return SIZE + int(LOADED_WITH_INDEXES * sum(sizes.get(path, 0) for path in dumps))


def sizes(repository: Repository, snapshot: str, parts: Sequence[str]) -> dict[str, int]:
    """The bytes of each file of the snapshot in `/databases`, and those of each other of the *parts* as a whole."""
    listing = ["ls", "--json", "--no-lock", "--recursive", snapshot, *parts]
    found: dict[str, int] = json.loads(repository.call(*listing, into=[SYSTEM_PYTHON, "-c", SUM]))
    return found
