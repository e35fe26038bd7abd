# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of an app's databases on a server of the host, beside the live ones: make, fill and drop them.

They belong to a role of their own, whose name is that of a user of the host (peer authentication). It can connect to no
live database, so whatever runs with its rights cannot harm live data. `<user>-<purpose>` is the name of a copy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    APPS,
    POSTGRESQL_SHARED,
    SYSTEMD_SOCKETS,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import systemd_run
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import copy_role, likeness
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import (
    SUPERUSER,
    PostgresqlError,
    RunCommand,
)
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.extensions import packages
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.superuser import (
    ask,
    available,
    extensions,
    identifier,
    literal,
)

# The comment of each copy.
COPY_MARK = "Copy of data, made by Gatehouse"
PURPOSE = re.compile(r"[a-z][a-z0-9-]{0,23}")
EXTENSION = re.compile(r"[A-Za-z0-9_-]{1,63}")
LIMIT_SECONDS = 12 * 3600
# A dump is as hostile as the app that it is of. pg_restore needs the server's socket and nothing else.
SANDBOX = (
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateNetwork=yes",
    "RestrictAddressFamilies=AF_UNIX",
    f"InaccessiblePaths=-{APPS} -/var/lib/gatehouse -/var/backups {SYSTEMD_SOCKETS}",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "RestrictNamespaces=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged",
    "MemoryMax=50%",
)
ALONE = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' ALLOW_CONNECTIONS false"
INPUT = 'file=$1; shift; exec "$@" <"$file"'
# What the new role owns is its own; what is not a copy must be closed to it.
OPEN = """
SELECT datname FROM pg_database JOIN pg_roles AS owner ON owner.oid = datdba
WHERE has_database_privilege({role}, datname, 'CONNECT') AND owner.rolname <> {role}
  AND (datname = {like} OR datdba = (SELECT datdba FROM pg_database WHERE datname = {like})) ORDER BY datname
"""
FOUND = """
SELECT owner.rolname, coalesce(shobj_description(owner.oid, 'pg_authid'), ''), datallowconn,
  coalesce(shobj_description(database.oid, 'pg_database'), '')
FROM pg_database AS database JOIN pg_roles AS owner ON owner.oid = datdba WHERE datname = {name}
"""
DENIED = re.compile(r"permission denied for table (\S+)$")
EXTENSION_TABLES = """
SELECT quote_ident(relname) FROM pg_class JOIN pg_depend ON objid = pg_class.oid
WHERE classid = 'pg_class'::regclass AND deptype = 'e' AND relkind = 'r'
"""
# One statement for all tables, as psql has no loops.
ROWS = """
SELECT coalesce(json_object_agg(quote_ident(schemaname) || '.' || quote_ident(tablename), (xpath('/row/n/text()',
  query_to_xml(format('SELECT count(*) AS n FROM %I.%I', schemaname, tablename), false, true, '')))[1]::text), '{}')
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""


class LackedExtension(PostgresqlError):
    """The host has no files of an extension, or the server cannot make it."""


class Scratch:
    """The copies of one app, which *user* of the host can connect to; *run* has the signature of run_bounded().

    *unit* are the properties (systemd.exec(5)) with which a unit finds the server, if it is not that of the host.
    """

    def __init__(self, user: str, run: RunCommand = run_bounded, unit: Sequence[str] = ()) -> None:
        self.user, self._run, self._unit = user, run, tuple(unit)

    def name(self, purpose: str) -> str:
        """The name of the copy for *purpose*, like `drill`; one name serves one run at a time."""
        if not PURPOSE.fullmatch(purpose):
            raise ValueError(f"{purpose!r} is no purpose of a copy")
        return f"{self.user}-{purpose}"

    def url(self, purpose: str, scheme: str = "postgresql") -> str:
        """The DATABASE_URL of the copy, for a process of the user; there is no password."""
        return f"{scheme}://{self.user}@/{self.name(purpose)}"

    def rows(self, purpose: str) -> dict[str, int]:
        """The rows of each table of the copy by its quoted name, counted as its user."""
        command = ["psql", "-qAtX", "--set=ON_ERROR_STOP=1", f"--dbname={self.name(purpose)}", f"--command={ROWS}"]
        code, out, err = self._run(["runuser", f"--user={self.user}", "--", *command], cwd="/")
        if code:
            raise PostgresqlError(f"The rows of the copy cannot be counted: {harmless(' '.join(err.split()))[-500:]}")
        return {str(name): int(number) for name, number in dict(json.loads(out or "{}")).items()}

    def names(self) -> list[str]:
        """The copies that exist, of all purposes."""
        sql = (
            "SELECT datname FROM pg_database JOIN pg_roles r ON r.oid = datdba"
            f" WHERE rolname = {literal(self.user)} OR (rolname = {literal(SUPERUSER)}"
            f" AND starts_with(datname, {literal(self.user + '-')})"
            f" AND shobj_description(pg_database.oid, 'pg_database') = {literal(COPY_MARK)}) ORDER BY datname"
        )
        return self._ask(sql).splitlines()

    def create(self, purpose: str, like: str) -> str:
        """Make an empty copy with locale and extensions of the live database *like*; return its name.

        The copy of the same purpose that a killed run has left is dropped first. Raises PostgresqlError, before
        anything is made but the role, if the role could connect to *like* or to another database of its owner.
        """
        name = self.name(purpose)
        copy_role.ensure(self.user, self._run)
        values = {"role": literal(self.user), "like": literal(like)}
        if reachable := self._ask(OPEN.format(**values)).splitlines():
            shown = harmless(reachable[0])
            raise PostgresqlError(
                f"The role '{self.user}', which works on copies of data, could connect to the live database '{shown}', "
                f"because PUBLIC can. Let only its owner: REVOKE CONNECT ON DATABASE {identifier(shown)} FROM PUBLIC"
            )
        self.drop(purpose)
        statement = likeness.create(name, like, self._run)
        if not statement:
            raise PostgresqlError(f"The server has no database '{harmless(like)}' to make a copy of.")
        # Also those that only a superuser can make. Never what a dump asks for.
        self._make(name, statement, extensions(self._run, like).values())
        return name

    def create_alone(self, purpose: str, wanted: Iterable[str], major: str) -> str:
        """Make an empty copy on a server that has copies alone; return its name.

        It has UTF-8 and the locale C.UTF-8, which each server has, and those extensions that are *wanted*, by a report
        of the app. Raises LackedExtension if the server, of the version *major*, has no files of one.
        """
        name, names = self.name(purpose), sorted({*wanted})
        if wrong := [one for one in names if not EXTENSION.fullmatch(one)]:
            raise LackedExtension(f"'{harmless(wrong[0])[:63]}' is no name of an extension.")
        copy_role.ensure(self.user, self._run)
        self.drop(purpose)
        known = available(self._run, names)
        if lacking := [one for one in names if one not in known]:
            shown = ", ".join(lacking)
            wanted_packages = " ".join(packages(f"{POSTGRESQL_SHARED}/{major}/extension", major, lacking))
            raise LackedExtension(
                f"the server for copies lacks the extensions {shown}. If Debian has them, install them on this host: "
                f"apt-get install {wanted_packages}"
            )
        self._make(name, f"CREATE DATABASE {identifier(name)} {ALONE}", known.values(), is_alone=True)
        return name

    def _make(self, name: str, statement: str, more: Iterable[str], *, is_alone: bool = False) -> None:
        """Make the copy with the *statement*, and run the SQL *more* in it, which makes extensions."""
        # It is its user's only in the end: while the superuser makes extensions, functions could be put in their way.
        self._ask(statement)
        self._ask(
            f"BEGIN; REVOKE ALL ON DATABASE {identifier(name)} FROM PUBLIC;"
            f" COMMENT ON DATABASE {identifier(name)} IS {literal(COPY_MARK)};"
            f" ALTER DATABASE {identifier(name)} ALLOW_CONNECTIONS true; COMMIT"
        )
        for sql in more:
            try:
                self._ask(sql, name)
            except PostgresqlError as error:
                if not is_alone:
                    raise
                # Some need a setting of the server.
                raise LackedExtension(f"an extension cannot be made in the copy: {error}") from error
        self._ask(f"ALTER DATABASE {identifier(name)} OWNER TO {identifier(self.user)}")

    def fill(self, purpose: str, dump: str, more: Sequence[str] = ()) -> str:
        """Load the file *dump* (pg_dump's custom format) into the copy as its user, without network or files.

        Returns what pg_restore could not load, in one line; empty if it loaded all. Raises PostgresqlError if it loaded
        nothing. *more* are further properties of its unit (systemd.exec(5)). Rights, owners and comments are left out.
        """
        options = ("owner", "privileges", "comments", "publications", "subscriptions", "security-labels", "tablespaces")
        properties = [f"User={self.user}", f"Group={self.user}", *SANDBOX, f"RuntimeMaxSec={LIMIT_SECONDS}"]
        # What it says is read, and it can be in the language of the host.
        properties += ["Environment=LC_ALL=C", *self._unit, *more]
        command = ["pg_restore", "--no-password", f"--dbname={self.name(purpose)}", *(f"--no-{one}" for one in options)]
        shell = ["setpriv", "--pdeathsig", "TERM", "--", "bash", "-c", INPUT, "bash", dump]
        code, _out, err = self._run([*shell, *systemd_run(properties), *command], cwd="/")
        lines = [line.strip() for line in err.splitlines() if line.strip()]
        # Not its lines DETAIL and CONTEXT: they quote data.
        errors = [line for line in lines if re.search(r"\b(?:error|FATAL):", line)]
        # Extensions bring the rows of tables of their own, like PostGIS those of spatial_ref_sys.
        if denied := [line for line in errors if DENIED.search(line)]:
            own = self._ask(EXTENSION_TABLES, self.name(purpose)).splitlines()
            known = [line for line in denied if DENIED.search(line)[1] in own]  # type: ignore[index]
            errors = [line for line in errors if line not in known]
            lines = lines if errors else lines[-1:]
            code = code if errors else 0
        said = harmless(" ".join(errors or lines[:2]))[:1000]
        # pg_restore goes on after an error of the server, and counts them in its last line.
        if code and not (lines and "errors ignored on restore" in lines[-1]):
            remedy = ""
            if "authentication failed" in err or "no pg_hba.conf entry" in err:
                remedy = (
                    " pg_hba.conf must let the user in over the unix socket: add this line before the others, and run "
                    f"systemctl reload postgresql: local all {self.user} peer"
                )
            raise PostgresqlError(f"pg_restore failed ({code}): {said or 'it printed no reason'}{remedy}")
        return said if code else ""

    def drop(self, purpose: str) -> None:
        """Drop the copy if it exists, also while it is in use. Raises PostgresqlError if it is none of these copies."""
        name = self.name(purpose)
        found = self._ask(FOUND.format(name=literal(name))).strip()
        if not found:
            return
        owner, role_mark, is_open, mark = found.split("|", 3)
        # The role can make no database, but it can change the comment of its own.
        is_ours = owner == self.user and role_mark == copy_role.MARK
        # Of one that was killed while it was made. Only the superuser can mark what belongs to it.
        is_begun = owner == SUPERUSER and (mark == COPY_MARK or (is_open == "f" and not mark))
        if not is_ours and not is_begun:
            raise PostgresqlError(
                f"The database '{name}' (of '{harmless(owner)}') is in the way: Gatehouse did not make it. Rename it."
            )
        # Its user could have made it a template, which cannot be dropped.
        self._ask(f"ALTER DATABASE {identifier(name)} IS_TEMPLATE false")
        self._ask(f"DROP DATABASE {identifier(name)} WITH (FORCE)")

    def _ask(self, sql: str, database: str = SUPERUSER) -> str:
        return ask(self._run, sql, database)
