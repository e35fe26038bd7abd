# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rehearse the upgrade on a copy of the cluster while the apps are served: the same steps, with their seconds."""

from __future__ import annotations

import glob
import json
import os
import shutil
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import SUPERUSER, PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import clusters
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.clusters import Server
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.transfer import (
    Proof,
    end_killed,
    prove,
    transfer,
)

NAME = "gatehouse_rehearsal"
# What the copy must not do: archive, follow a publisher, run jobs. What it must have like the live one.
SETTINGS = """listen_addresses = ''
max_connections = 50
shared_buffers = 128MB
archive_mode = off
max_logical_replication_workers = 0
cron.launch_active_jobs = off
autovacuum = off
ssl = off
"""
LIKE = ("shared_preload_libraries", "max_locks_per_transaction", "max_prepared_transactions")
SAME = "SELECT json_object_agg(name, setting) FROM pg_settings WHERE name IN ({names})"
# pg_upgradecluster adapts postgresql.conf and postgresql.auto.conf to the new version.
OTHER_FILES = """
SELECT coalesce(json_agg(json_build_array(name, sourcefile)), '[]') FROM pg_file_settings
WHERE sourcefile !~ '/postgresql(\\.auto)?\\.conf$' AND name !~ '\\.'
"""
NAMES = "SELECT json_agg(name) FROM pg_settings"


def rehearse(tools: Tools, live: Server, major: str) -> Proof:
    """Copy the live cluster, upgrade the copy, and drop both. Raises an error if the upgrade would fail."""
    clean(tools, live, major)
    try:
        with tools.phase("copy"):
            copy = _copy(tools, live)
        with tools.phase("upgrade"):
            new = transfer(tools, copy, major)
        proof = prove(tools, clusters.require(live.major, NAME), new)
        _check_settings(live, clusters.require(major, NAME))
        return proof
    finally:
        with tools.phase("clean up"):
            clean(tools, live, major)


def clean(tools: Tools, live: Server, major: str) -> None:
    """Drop what a rehearsal has made, also one that was killed."""
    end_killed(tools)
    for version in (major, live.major):
        clusters.drop(tools, version, NAME, clusters.data_beside(live, version, NAME))
    for path in glob.glob(f"/var/log/postgresql/pg_upgradecluster-{live.major}-{major}-{NAME}.*"):
        tree.remove_tree(path)


def _copy(tools: Tools, live: Server) -> Server:
    data = clusters.data_beside(live, live.major, NAME)
    program = [f"{live.programs}/pg_basebackup", f"--port={live.port}", f"--pgdata={data}", "--no-password"]
    # The live server answers first.
    low = ["nice", "-n19", "ionice", "--class=idle"]
    options = ["--wal-method=stream", "--checkpoint=fast"]
    code, _out, err = tools.attempt(["runuser", f"--user={SUPERUSER}", "--", *low, *program, *options], cwd="/")
    if code:
        raise PostgresqlError(
            f"pg_basebackup failed ({code}): {err.strip()[-500:]}\npg_hba.conf must have the line "
            "`local replication all peer` of the distribution, and wal_level and max_wal_senders their defaults. "
            "With -e rehearse=false the upgrade goes without a rehearsal."
        )
    wanted = json.loads(live.ask(SAME.format(names=", ".join(f"'{name}'" for name in LIKE))))
    same = "".join(f"{name} = '{value}'\n" for name, value in sorted(wanted.items()))
    # Settings of ALTER SYSTEM may name the port, an archive or another server.
    texts = {
        "postgresql.conf": SETTINGS + same,
        "postgresql.auto.conf": "",
        "pg_hba.conf": f"# TYPE DATABASE USER ADDRESS METHOD\nlocal all {SUPERUSER} peer\n",
        "pg_ident.conf": "",
    }
    for name, text in texts.items():
        path = Path(data, name)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        shutil.chown(path, SUPERUSER, SUPERUSER)
    port = f"--port={clusters.free_port()}"
    tools.run(["pg_createcluster", f"--datadir={data}", port, "--start-conf=manual", live.major, NAME])
    return clusters.start(tools, clusters.require(live.major, NAME))


def _check_settings(live: Server, new: Server) -> None:
    """Raise PostgresqlError for settings of the live cluster with which the new version would not start."""
    known = set(json.loads(new.ask(NAMES)))
    gone = [(name, file) for name, file in json.loads(live.ask(OTHER_FILES)) if name not in known]
    if gone:
        lines = "; ".join(f"{harmless(name)} in {os.path.normpath(harmless(file))}" for name, file in gone)
        raise PostgresqlError(f"PostgreSQL {new.major} has no such setting: {lines}. Remove it there.")
