# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the host of a database that Gatehouse made on another host, and what keeps the app's host from dumping it.

The environment of a release names that host, and only root writes it. What the app reports of its settings is compared
with it.
"""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._app import service_access
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import environment


def host_of(app: App, database: Database, release: str) -> str:
    """The host in the inventory that has the *database* of the settings of the directory *release*.

    Empty unless Gatehouse made it there: it has the app's name, and the app connects as the role of that name.
    """
    if database.vendor != "postgresql" or database.name != app.name or database.user != app.name:
        return ""
    for one in service_access.elsewhere(environment(f"{release}/env")):
        if one["kind"] == "database" and (one["address"], one["port"]) == (database.host, database.port or "5432"):
            return one["host"]
    return ""


def dump_refusal(database: Database) -> str:
    """Why pg_dump of this host cannot dump the *database*, whose server said its version; empty if it can."""
    known = service_access.pg_dump_version()
    if known >= database.major:
        return ""
    has = f"pg_dump of this host has version {known}" if known else "this host has no pg_dump"
    return (
        f"{has}, and its server is PostgreSQL {database.major}: install postgresql-client-{database.major} on the "
        "app's host (apt.postgresql.org has it)"
    )
