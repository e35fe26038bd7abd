# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases whose indexes on text another version of the C library or of ICU sorts differently, as after an upgrade of
the host: a query may miss rows, and a unique index may accept a value twice.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import POSTGRESQL_SOCKETS
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_limited
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.nginx import ALL_SITES
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PORT, psql

SOCKET = f"{POSTGRESQL_SOCKETS}/.s.PGSQL.{PORT}"
SECONDS = 10.0
# A server before version 15 does not know the column, and psql fails.
MISMATCHES = """
SELECT coalesce(json_agg(datname ORDER BY datname), '[]') FROM pg_database
WHERE datallowconn AND datcollversion <> pg_database_collation_actual_version(oid);
"""


def check_collations() -> list[Finding]:
    """Return a finding for each database of the host's server whose own collation has another version now."""
    if not os.path.exists(SOCKET) or not shutil.which("psql"):
        return []
    code, out, _err = run_limited(psql(), data=MISMATCHES, seconds=SECONDS)
    return [finding(str(name)) for name in json.loads(out)] if code == 0 and out.strip() else []


def finding(database: str) -> Finding:
    """Return the finding for a *database*."""
    name = shlex.quote(database)
    quoted = '"' + database.replace('"', '""') + '"'
    refresh = shlex.quote(f"ALTER DATABASE {quoted} REFRESH COLLATION VERSION")
    return Finding(
        ALL_SITES,
        f"PostgreSQL made the indexes on text of the database {database} with another version of the C library or of "
        "ICU than the host has now: queries may miss rows, and unique indexes may accept a value twice.",
        "Upgrade PostgreSQL, which builds them anew (`ansible-playbook gatehouse.django.upgrade_postgresql`), or do it "
        f"while the app is served: `runuser -u postgres -- reindexdb --concurrently {name}`, then "
        f"`runuser -u postgres -- psql -c {refresh}`.",
    )
