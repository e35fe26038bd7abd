# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role that copies of an app's databases belong to. It is for copies alone."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError, RunCommand
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.superuser import ask, identifier, literal

# The comment of the role, which only superusers can set.
MARK = "Made by Gatehouse for copies of data"
# The settings of the server leave this many beside those of the apps (settings.OTHER_CONNECTIONS).
CONNECTIONS = 10
RIGHTS = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def ensure(name: str, run: RunCommand) -> None:
    """Make the role; raise PostgresqlError if there is one of this *name* that Gatehouse did not make."""
    mark = _comment(name, run)
    if mark == MARK:
        _reset(name, run)
        return
    if mark is not None:
        raise PostgresqlError(
            f"The server has a role '{name}' that Gatehouse did not make, and copies of data need this name. Rename it."
        )
    role = identifier(name)
    ask(
        run,
        f"BEGIN; CREATE ROLE {role} {RIGHTS} CONNECTION LIMIT {CONNECTIONS};"
        f" COMMENT ON ROLE {role} IS {literal(MARK)}; COMMIT",
    )


def _reset(name: str, run: RunCommand) -> None:
    """Take back what code that ran as the role, and apps, can have given it."""
    role, text = identifier(name), literal(name)
    ask(run, f"BEGIN; ALTER ROLE {role} PASSWORD NULL; ALTER ROLE {role} RESET ALL; COMMIT")
    member_of = f"SELECT roleid::regrole FROM pg_auth_members WHERE member = {text}::regrole"
    for other in ask(run, member_of).splitlines():
        ask(run, f"REVOKE {other} FROM {role}")
    # In other databases than copies it has nothing to do.
    ask(
        run,
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {text}"
        f" AND NOT starts_with(datname, {literal(name + '-')})",
    )


def _comment(name: str, run: RunCommand) -> str | None:
    """Return the comment of the role, None if there is no role."""
    found = ask(
        run,
        "SELECT '=' || coalesce(shobj_description(oid, 'pg_authid'), '') FROM pg_roles"
        f" WHERE rolname = {literal(name)}",
    )
    return found.strip().removeprefix("=") if found.strip() else None
