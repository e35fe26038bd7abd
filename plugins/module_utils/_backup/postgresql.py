# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make and rename databases of the host's own PostgreSQL server, as its superuser.

The app names its databases itself. So only those that belong to the role of the app's own name are touched.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import THIS_HOST
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import cluster, likeness, space, superuser
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import SUPERUSER, PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.superuser import identifier, literal

MAX_NAME = 63
ATTEMPTS = 5
# Comments of databases, by which the next run knows them.
MADE = "Made by Gatehouse for a restore"
KEPT = "Was live before a restore, kept by Gatehouse"


def is_local(host: str) -> bool:
    """Whether a database's *host* is the server of this host."""
    return host in THIS_HOST or host.startswith("/")


def refusal() -> str:
    """Return why nothing must be written into the server now; empty if it has space, or if it is not a cluster."""
    if shutil.which(cluster.PROGRAM) is None:
        return ""
    try:
        found = cluster.find(run_bounded)
    except PostgresqlError:
        return ""
    return space.refusal(found) if found else ""


def names() -> list[str]:
    """The databases of the server."""
    return ask("SELECT datname FROM pg_database").splitlines()


def owner(name: str) -> str:
    """The role that the database *name* belongs to; empty if there is none."""
    return ask(
        f"SELECT rolname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname = {literal(name)}"
    ).strip()


def number(name: str) -> str:
    """The number of the database *name*, which stays the same when it is renamed; empty if there is none."""
    return ask(f"SELECT oid FROM pg_database WHERE datname = {literal(name)}").strip()


def create(name: str, like: str, extensions: Iterable[str]) -> None:
    """Make the empty database *name* with the owner, the locale and the rights of the database *like*.

    It gets those of the *extensions* that *like* has: the app reports what its backup had, and must not have the
    superuser make others. PostgreSQL lets the app's role make the trusted ones when the dump is loaded. The app owns
    it only then: before, it could put functions in the way of the superuser.
    """
    drop_leftover(name)
    found = ask(
        "SELECT NOT EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) AS acl"
        " WHERE acl.grantee = 0 AND acl.privilege_type = 'CONNECT'), rolname"
        f" FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname = {literal(like)}"
    )
    is_private, _bar, role = found.strip().partition("|")
    with _refused():
        statement, rights = likeness.create(name, like, run_bounded), likeness.grants(name, like, run_bounded)
    ask(statement)
    ask(
        f"BEGIN; REVOKE ALL ON DATABASE {identifier(name)} FROM PUBLIC;"
        f" COMMENT ON DATABASE {identifier(name)} IS {literal(MADE)};"
        f" ALTER DATABASE {identifier(name)} ALLOW_CONNECTIONS true; COMMIT"
    )
    wanted = {*extensions}
    for extension, sql in _extensions(like).items():
        if extension in wanted:
            ask(sql, name)
    ask(f"ALTER DATABASE {identifier(name)} OWNER TO {identifier(role)}")
    if is_private != "t":
        ask(f"GRANT CONNECT, TEMPORARY ON DATABASE {identifier(name)} TO PUBLIC")
    for grant in rights:
        ask(grant)


def drop_leftover(name: str) -> None:
    """Drop what a killed run has left, if there is anything. Raises BackupError for a database of others."""
    if check_leftover(name):
        drop(name)


def check_leftover(name: str) -> bool:
    """Return whether a killed run has left the database *name*. Raises BackupError for one of others."""
    found = ask(
        "SELECT rolname, datallowconn, coalesce(shobj_description(d.oid, 'pg_database'), '')"
        f" FROM pg_database AS d JOIN pg_roles AS r ON r.oid = datdba WHERE datname = {literal(name)}"
    ).strip()
    if not found:
        return False
    if found.split("|", 2)[2] != MADE and found != f"{SUPERUSER}|f|":
        raise BackupError(f"The database '{harmless(name)}' is in the way, which a restore would make: rename it.")
    return True


def drop(name: str) -> None:
    """Drop the database *name* if it exists."""
    ask(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")


def exchange(name: str, aside: str, instead: str, *, keep: bool) -> None:
    """Give the *name* to the database *instead*, and the name *aside* to the one that had it, in one transaction.

    The settings of the one go with the name (ALTER DATABASE ... SET, ... CONNECTION LIMIT).

    Their connections end first; a client that comes back at once is ended again. With *keep*, the app can neither drop
    nor change the one aside, which belongs to the superuser then.
    """
    role, first, second = owner(name), identifier(name), identifier(instead)
    marked = f"COMMENT ON DATABASE {first} IS {literal(KEPT if keep else MADE)}"
    taken = f"REVOKE CONNECT ON DATABASE {first} FROM PUBLIC; ALTER DATABASE {first} OWNER TO {SUPERUSER}"
    both = f"{literal(name)}, {literal(instead)}"
    steps = [
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({both})",
        f"BEGIN; {marked}; {taken}" if keep else f"BEGIN; {marked}",
        likeness.settings(instead, name),
        f"ALTER DATABASE {first} RENAME TO {identifier(aside)}",
        f"ALTER DATABASE {second} OWNER TO {identifier(role)}; COMMENT ON DATABASE {second} IS NULL",
        f"ALTER DATABASE {second} RENAME TO {first}; COMMIT",
    ]
    for left in reversed(range(ATTEMPTS)):
        try:
            ask("; ".join(steps))
            return
        except BackupError as error:
            if not left:
                remedy = "Stop the client that connects again each time, and run this again."
                raise BackupError(f"{error} {remedy}" if "being accessed" in str(error) else str(error)) from error


def missing_roles(wanted: Iterable[str]) -> list[str]:
    """Return those of the roles *wanted* that the server does not have."""
    known = set(ask("SELECT rolname FROM pg_roles").splitlines())
    return sorted({*wanted} - known)


def _extensions(database: str) -> dict[str, str]:
    with _refused():
        return superuser.extensions(run_bounded, database)


def ask(sql: str, database: str = "postgres") -> str:
    """Run *sql* as the superuser; return its rows, with columns separated by `|`."""
    with _refused():
        return superuser.ask(run_bounded, sql, database)


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except PostgresqlError as error:
        raise BackupError(str(error)) from error
