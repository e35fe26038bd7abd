# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make and rename databases of the host's own PostgreSQL server, as its superuser.

The app names its databases itself. So only those that belong to the role of the app's own name are touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import superuser
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.superuser import identifier, literal

LOCAL = ("", "localhost", "127.0.0.1", "::1")
MAX_NAME = 63


def is_local(host: str) -> bool:
    """Whether a database's *host* is the server of this host."""
    return host in LOCAL or host.startswith("/")


def names() -> list[str]:
    """The databases of the server."""
    return ask("SELECT datname FROM pg_database").splitlines()


def owner(name: str) -> str:
    """The role that the database *name* belongs to; empty if there is none."""
    return ask(
        f"SELECT rolname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname = {literal(name)}"
    ).strip()


def create(name: str, like: str, extensions: Iterable[str]) -> None:
    """Make the empty database *name* with the owner, locale and rights of the database *like*.

    It gets those of the *extensions* that *like* has: the app reports what its backup had, and must not have the
    superuser make others. PostgreSQL lets the app's role make the trusted ones when the dump is loaded.
    """
    found = ask(
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype, rolname,"
        " NOT EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) AS acl"
        " WHERE acl.grantee = 0 AND acl.privilege_type = 'CONNECT')"
        f" FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname = {literal(like)}"
    )
    encoding, collate, ctype, role, is_private = found.strip().split("|")
    ask(f"DROP DATABASE IF EXISTS {identifier(name)}")
    ask(
        f"CREATE DATABASE {identifier(name)} OWNER {identifier(role)} TEMPLATE template0 ENCODING {literal(encoding)}"
        f" LC_COLLATE {literal(collate)} LC_CTYPE {literal(ctype)}"
    )
    if is_private == "t":
        ask(f"REVOKE ALL ON DATABASE {identifier(name)} FROM PUBLIC")
    wanted = {*extensions}
    for extension, sql in _extensions(like).items():
        if extension in wanted:
            ask(sql, name)


def drop(name: str) -> None:
    """Drop the database *name* if it exists."""
    ask(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")


def rename(new_names: Mapping[str, str]) -> None:
    """Give each database its new name, all in one transaction; end their connections first."""
    ends = ", ".join(literal(name) for name in new_names)
    ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({ends})")
    steps = [f"ALTER DATABASE {identifier(old)} RENAME TO {identifier(new)}" for old, new in new_names.items()]
    ask(f"BEGIN; {'; '.join(steps)}; COMMIT")


def _extensions(database: str) -> dict[str, str]:
    try:
        return superuser.extensions(run_bounded, database)
    except PostgresqlError as error:
        raise BackupError(str(error)) from error


def ask(sql: str, database: str = "postgres") -> str:
    """Run *sql* as the superuser; return its rows, with columns separated by `|`."""
    try:
        return superuser.ask(run_bounded, sql, database)
    except PostgresqlError as error:
        raise BackupError(str(error)) from error
