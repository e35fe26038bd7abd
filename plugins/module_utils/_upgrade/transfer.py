# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a cluster of the new version from one of the old version, and prove that it has the same.

pg_upgradecluster runs pg_upgrade, which copies the files here. So the old cluster stays what it was, and any error ends
it. Its other method, dump, ignores what pg_restore could not load (version 278), and fills tables that have indexes.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import time
from dataclasses import dataclass, field

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import POSTGRESQL_CONFIGURATION
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import systemd_run
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import (
    PORT,
    SUPERUSER,
    PostgresqlError,
)
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.superuser import identifier
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import clusters, collations, rows
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.clusters import Server

UNIT = "gatehouse-postgresql-upgrade.service"
LOGS = "/var/log/postgresql/pg_upgradecluster-*"
# The owner of a database chooses what is in its search_path.
OPTIONS = "-c search_path=pg_catalog"
# A first plan for each query, in a moment. The usual statistics follow while the apps are served.
FIRST_STATISTICS = f"{OPTIONS} -c default_statistics_target=1 -c vacuum_cost_delay=0"
OUTDATED = """
SELECT coalesce(string_agg(format('ALTER EXTENSION %I UPDATE', extname), '; ' ORDER BY e.oid), '')
FROM pg_extension AS e JOIN pg_available_extensions AS a ON a.name = extname WHERE extversion <> default_version
"""
ERROR = re.compile(r"\b(?:error|ERROR|FATAL):")
# Of each connection to a database whose collation has changed.
REMARK = re.compile(r"WARNING:|DETAIL:|HINT:|\s*$")
MAX_BYTES = 1 << 20
LINES = 20


@dataclass
class Proof:
    """What was found in the new cluster."""

    tables: int = 0
    rows: int = 0
    extensions: list[str] = field(default_factory=list)  # the statements that updated them, by database
    rebuilt: dict[str, list[str]] = field(default_factory=dict)  # the indexes of each database
    notes: list[str] = field(default_factory=list)


def end_killed(tools: Tools) -> None:
    """End the pg_upgradecluster of a run that was killed, with all that it has started."""
    tools.attempt(["systemctl", "stop", UNIT])


def transfer(tools: Tools, old: Server, major: str) -> Server:
    """Stop *old* and make the cluster of its name in version *major* from it. Both are stopped in the end."""
    copy_settings(old, major)
    began = time.time()
    options = ["--version", major, "--method=upgrade", "--no-start", "--keep-port", "--force-packages"]
    jobs = f"--jobs={os.cpu_count() or 1}"
    data = clusters.data_beside(old, major, old.name)
    command = ["pg_upgradecluster", *options, jobs, old.major, old.name, data]
    # In a unit, the programs that it starts end with it.
    unit = systemd_run(["WorkingDirectory=/"], UNIT)
    code, out, err = tools.attempt([*unit, "env", f"PGOPTIONS={OPTIONS}", *command])
    if code:
        said = "\n".join(line for line in f"{out}{err}".splitlines() if not REMARK.match(line))
        raise ReleaseError(f"pg_upgradecluster failed ({code}):\n{tail(said, LINES)}\n{_details(began)}".rstrip())
    new = clusters.require(major, old.name)
    # pg_upgradecluster takes the first port that is free, which can be that of the apps.
    return clusters.set_port(tools, new, clusters.free_port([old.port])) if new.port == PORT else new


def copy_settings(old: Server, major: str) -> None:
    """Copy conf.d, as pg_upgradecluster copies only the files beside it."""
    source = f"{old.configuration}/conf.d"
    target = f"{POSTGRESQL_CONFIGURATION}/{major}/{old.name}/conf.d"
    if not os.path.isdir(source):
        return
    for directory in (os.path.dirname(os.path.dirname(target)), os.path.dirname(target), target):
        os.makedirs(directory, exist_ok=True)
        shutil.copystat(os.path.dirname(source), directory)
        shutil.chown(directory, SUPERUSER, SUPERUSER)
    for entry in os.scandir(source):
        if entry.is_file(follow_symlinks=False):
            to = shutil.copy2(entry.path, target)
            owner = entry.stat(follow_symlinks=False)
            os.chown(to, owner.st_uid, owner.st_gid)


def prove(tools: Tools, old: Server, new: Server) -> Proof:
    """Compare the two, update extensions, build indexes anew, make first statistics. Only *new* runs in the end.

    No app reaches them: neither has the port of the apps. Raises PostgresqlError if anything differs.
    """
    with tools.phase("start both clusters"):
        old, new = clusters.start(tools, old, new), clusters.start(tools, new)
    with tools.phase("count rows"):
        before, versions = rows.count(old), collations.stored(old)
        after = rows.count(new)
        if found := rows.differences(before, after):
            raise PostgresqlError(f"PostgreSQL {new.label} does not have what {old.label} has: {'; '.join(found)}.")
        clusters.stop(tools, old)
    proof = Proof(*rows.total(after))
    with tools.phase("update extensions"):
        proof.extensions = _update_extensions(new)
    with tools.phase("rebuild indexes"):
        proof.rebuilt, proof.notes = collations.mend(new, versions)
    with tools.phase("first statistics"):
        analyze(tools, new, FIRST_STATISTICS)
    return proof


def analyze(tools: Tools, one: Server, options: str = OPTIONS) -> None:
    """Make the statistics of all databases: pg_upgrade keeps none."""
    program = [f"{one.programs}/vacuumdb", f"--port={one.port}", "--all", "--analyze-only", "--quiet"]
    tools.run(["runuser", f"--user={SUPERUSER}", "--", "env", f"PGOPTIONS={options}", *program], cwd="/")


def _update_extensions(new: Server) -> list[str]:
    done = []
    for name in new.databases():
        if sql := new.ask(OUTDATED, name).strip():
            new.ask(sql, name)
            done.append(f"{identifier(name)}: {sql}")
    return done


def _details(began: float) -> str:
    """Return what pg_upgrade says in its files of this run: lists of what it refuses, and errors of its programs."""
    lines: list[str] = []
    for directory in glob.glob(LOGS):
        if os.stat(directory).st_mtime < began - 1:
            continue
        for path in sorted(glob.glob(f"{directory}/**/*.[tl]*", recursive=True)):
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read(MAX_BYTES).splitlines()
            # Not the lines of a log that quote data.
            found = text if path.endswith(".txt") else [line for line in text if ERROR.search(line)]
            lines += [f"{os.path.basename(path)}:", *found] if found else []
    return tail("\n".join(lines), LINES)
