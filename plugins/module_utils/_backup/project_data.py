# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that a project's own Python runs as the app's user, in its sandbox: reports, dumps and loads its databases.

It may use only the standard library and Django. Its arguments are an action, and for most the alias of a database
(and the compression of a dump); for a report the aliases whose size is asked for.
Data go through standard input and output; a report is the last line of standard error.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.gatehouse.django.plugins.module_utils._core.django_types import Connection, Cursor

SCRATCH = ".gatehouse-backup-"
KINDS = ("postgresql", "sqlite")
# Of a dump, for a table that another session locks against readers.
LOCK_SECONDS = 300
# In the list of a dump: the rights on one object, and those on objects that are made later.
RIGHTS = re.compile(r"\d+; \d+ \d+ (?:DEFAULT )?ACL ")
# What only a superuser can make, or what the empty database has already: pg_restore's errors of these lose no data.
NO_LOSS = ("ACL", "COMMENT", "DEFAULT ACL", "EVENT TRIGGER", "EXTENSION", "PUBLICATION", "SCHEMA", "SECURITY LABEL")
# Its lines that tell what it could not load.
SAID = re.compile(r"from TOC entry|error: |FATAL: ")
CUT_OFF = re.compile(
    "connection to server was lost|server closed the conn|no connection to the server|terminating conn"
)

# Extensions bring tables of their own with their rows, like PostGIS spatial_ref_sys. pg_dump writes an entry for those
# whose rows users may change, also if there are no such rows; only the superuser may load it.
EXTENSION_TABLES = """
SELECT relname FROM pg_class JOIN pg_depend ON objid = pg_class.oid
WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND relkind IN ('r', 'p')
"""
# Other roles with rights on something in the database: a server without them cannot restore these rights.
ROLES = """
SELECT DISTINCT pg_get_userbyid(grantee) FROM (
  SELECT relacl FROM pg_class UNION ALL SELECT attacl FROM pg_attribute UNION ALL SELECT nspacl FROM pg_namespace
  UNION ALL SELECT proacl FROM pg_proc UNION ALL SELECT typacl FROM pg_type
  UNION ALL SELECT defaclacl FROM pg_default_acl
) AS found(acl), aclexplode(acl) WHERE grantee >= 16384 AND grantee <> (
  SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY 1
"""


def places(connection: Connection) -> dict[str, str]:
    """What tells one database from another; no user and no password."""
    given = connection.settings_dict
    options = given.get("OPTIONS") or {}
    name = str(given.get("NAME") or "")
    is_file = connection.vendor == "sqlite" and name and not name.startswith((":", "file:"))
    return {
        "vendor": str(connection.vendor),
        "name": os.path.abspath(name) if is_file else name,
        "path": os.path.abspath(name) if is_file else "",
        **{key.lower(): str(given.get(key) or options.get(key.lower()) or "") for key in ("HOST", "PORT", "USER")},
    }


def report(connections: Mapping[str, Connection], measured: list[str]) -> dict[str, object]:
    """The databases that the settings name, with the sizes of those *measured*, and the versions of what reads them."""
    django = import_module("django")
    sizes = {
        alias: {name: measure(connections[alias]) for name, measure in MEASURES.items()}
        for alias in measured
        if alias in connections
    }
    return {
        "databases": {alias: {**places(connections[alias]), **sizes.get(alias, {})} for alias in connections},
        "versions": {"django": django.get_version(), "python": platform.python_version()},
    }


def size(connection: Connection) -> int:
    """The bytes of the tables without their indexes, which no dump has; for SQLite those of the whole file."""
    statements = {
        "postgresql": "SELECT coalesce(sum(pg_table_size(relid)), 0) FROM pg_stat_user_tables",
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    }
    if connection.vendor not in statements:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(statements[connection.vendor])
        return int(cursor.fetchone()[0])


def major(connection: Connection) -> int:
    """The major version of the server of PostgreSQL; 0 for another database."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        return int(cursor.fetchone()[0])


def whole(connection: Connection) -> int:
    """The bytes of a database of PostgreSQL with its indexes; 0 for another one."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


MEASURES = {"size": size, "major": major, "whole": whole}


def writes(connection: Connection) -> dict[str, object]:
    """What tells later how much was written meanwhile.

    For PostgreSQL, the counters of each table (oid, inserted, updated, deleted rows) and when they were reset; SQLite
    counts nothing, so only the rows.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return {"rows": count(cursor, tables_of(cursor), connection.ops.quote_name)}
        cursor.execute(
            "SELECT coalesce(stats_reset::text, '') || ' ' || pg_postmaster_start_time()::text FROM pg_stat_database"
            " WHERE datname = current_database()"
        )
        reset = str(cursor.fetchone()[0])
        cursor.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(relname), relid, n_tup_ins, n_tup_upd, n_tup_del"
            " FROM pg_stat_user_tables ORDER BY 1"
        )
        return {"reset": reset, "tables": {name: list(map(int, numbers)) for name, *numbers in cursor.fetchall()}}


def tables_of(cursor: Cursor) -> list[str]:
    """The tables of a SQLite database that have rows of their own."""
    cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    return sorted(name for (name,) in cursor.fetchall() if not name.startswith("sqlite_"))


def count(cursor: Cursor, names: list[str], quote: Callable[[str], str]) -> dict[str, int]:
    """The rows of each table."""
    found = {}
    for name in names:
        cursor.execute(f"SELECT count(*) FROM {quote(name)}")
        found[name] = int(cursor.fetchone()[0])
    return found


def is_left(name: str) -> bool:
    """Return whether a file of the data directory is a copy whose process was killed.

    A backup and a deployment, which makes a snapshot, can copy the database at the same time.
    """
    found = re.match(rf"{re.escape(SCRATCH)}(\d{{1,9}})(?!\d)", name)
    if not found or int(found[1]) == os.getpid():
        return bool(found)
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def dump_sqlite(connection: Connection) -> dict[str, object]:
    """Write a copy of the database to standard output: of one moment, even while other processes write."""
    data = os.environ["GATEHOUSE_DATA_DIR"]
    for name in os.listdir(data):
        if is_left(name):
            os.unlink(os.path.join(data, name))
    scratch = os.path.join(data, f"{SCRATCH}{os.getpid()}")
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            mode = str(cursor.fetchone()[0])
            # One read transaction, with the functions and extensions that Django's connection has.
            cursor.execute("VACUUM INTO %s", [scratch])
        # Not another one, which would be empty.
        copy = sqlite3.connect(f"{Path(scratch).as_uri()}?mode=rw", uri=True)
        if mode.lower() == "wal":
            # A copy is never in this mode, but the mode belongs to the database.
            copy.execute("PRAGMA journal_mode=WAL")
        rows = count(copy.cursor(), tables_of(copy.cursor()), connection.ops.quote_name)
        copy.close()
        with open(scratch, "rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
        sys.stdout.buffer.flush()
    finally:
        for name in (scratch, f"{scratch}-wal", f"{scratch}-shm", f"{scratch}-journal"):
            if os.path.lexists(name):
                os.unlink(name)
    return {"version": sqlite3.sqlite_version, "rows": rows, "extensions": [], "writes": {"rows": rows}}


def client(connection: Connection, program: str) -> tuple[list[str], dict[str, str]]:
    """The command of PostgreSQL's *program* for the connection, and its environment, which has the password."""
    found, variables = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    if shutil.which(program) is None:
        raise SystemExit(f"{program} is missing: add postgresql-client to 'packages' of the app")
    return [program, "--no-password", *found[1:]], {**os.environ, **(variables or {})}


def call(command: list[str], variables: dict[str, str], given: str | None = None) -> str:
    """Run a command with this process's input, or *given*; return what it prints. A failure ends this process."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as printed:
        source.write((given or "").encode())
        source.seek(0)
        code = status(command, variables, 0 if given is None else source.fileno(), printed.fileno())
        if code:
            raise SystemExit(f"{command[0]} ended with {code}")
        printed.seek(0)
        return printed.read().decode()


def status(command: list[str], variables: dict[str, str], source: int = 0, target: int = 1, errors: int = 2) -> int:
    """Run a command with these descriptors as its input, output and for its errors; return its exit code."""
    process = os.fork()
    if process == 0:
        try:
            os.dup2(source, 0)
            os.dup2(target, 1)
            os.dup2(errors, 2)
            os.execvpe(command[0], command, variables)
        finally:
            os._exit(127)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def tables(cursor: Cursor) -> list[str]:
    """The quoted names of the tables of PostgreSQL, in all schemas."""
    cursor.execute(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
    )
    return [name for (name,) in cursor.fetchall()]


def begin(cursor: Cursor, level: str = "READ COMMITTED") -> None:
    """Begin a transaction that may take as long as the data need, whatever limits the settings or the role have.

    SET LOCAL ends with it: it is safe behind a pooler like PgBouncer.
    """
    cursor.execute(f"BEGIN ISOLATION LEVEL {level} READ ONLY")
    cursor.execute("SET LOCAL statement_timeout = 0")
    # While pg_dump reads, this transaction is idle.
    cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    cursor.execute(
        "SELECT set_config('transaction_timeout', '0', true) WHERE current_setting('server_version_num')::int >= 170000"
    )


def dump_postgresql(connection: Connection, level: str) -> dict[str, object]:
    """Write pg_dump's custom format to standard output, and count the rows of the same moment.

    *level* is that of its compression, 0 for none.
    """
    # Before the moment of the dump: what is written in between is counted rather than forgotten.
    written = writes(connection)
    with connection.cursor() as cursor:
        begin(cursor, "REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot(), current_setting('server_version')")
        snapshot, version = cursor.fetchone()
        rows = count(cursor, tables(cursor), str)
        cursor.execute("SELECT extname FROM pg_extension ORDER BY 1")
        extensions = [name for (name,) in cursor.fetchall()]
        cursor.execute(ROLES)
        roles = [name for (name,) in cursor.fetchall()]
        command, variables = client(connection, "pg_dump")
        command += ["--format=custom", f"--compress={level}", f"--snapshot={snapshot}"]
        command.append(f"--lock-wait-timeout={LOCK_SECONDS}s")
        if code := status(command, variables):
            raise SystemExit(f"pg_dump ended with {code}")
    return {"version": version, "rows": rows, "extensions": extensions, "roles": roles, "writes": written}


def load_postgresql(connection: Connection, name: str) -> dict[str, object]:
    """Load pg_dump's custom format from standard input into the empty database *name*, and count its rows."""
    command, variables = client(connection, "pg_restore")
    # psql takes the name of the database as its last argument, pg_restore as an option.
    command = [*command[:-1], f"--dbname={name}", "--no-owner", "--no-privileges", "--verbose"]
    with tempfile.TemporaryFile() as said:
        code = status(command, {**variables, "LC_ALL": "C"}, errors=said.fileno())
        said.seek(0)
        text = said.read().decode(errors="replace")
    sys.stderr.write(text)
    connection.settings_dict["NAME"] = name
    if failed := lost_in_load(code, text, lambda: extension_tables(connection)):
        raise SystemExit(f"pg_restore ended with {code}: {failed}")
    with connection.cursor() as cursor:
        begin(cursor)
        rows = count(cursor, tables(cursor), str)
        cursor.execute("COMMIT")
    give_rights(connection)
    return {"code": code, "rows": rows}


def extension_tables(connection: Connection) -> list[str]:
    """The names of the tables that belong to extensions."""
    with connection.cursor() as cursor:
        cursor.execute(EXTENSION_TABLES)
        return [name for (name,) in cursor.fetchall()]


def lost_in_load(code: int, said: str, of_extensions: Callable[[], Collection[str]]) -> str:
    """Return what of the database pg_restore did not load, from its exit code and what it *said*; empty if it is all.

    It goes on after an error. The server can have extensions already, and a role that is no superuser cannot comment
    them, for example: that is no loss. Nor is it if the rows of a table that is *of_extensions* cannot be loaded, as
    long as the table has as many as the backup recorded: the caller compares that. Since PostgreSQL 15, it names the
    object of an error only with `--verbose`.
    """
    if code == 0:
        return ""
    # Without this line it did not come to its end.
    if code < 0 or "errors ignored on restore" not in said:
        return said.strip()[-500:] or "it was killed"
    for step in re.split(r"(?m)^pg_restore: (?!error: |warning: |detail: |hint: )", said):
        if not re.search(r"(?m)^pg_restore: error: ", step):
            continue
        entry = re.match(r"from TOC entry \d+; \d+ \d+ (.*)", step)
        # An older server does not know each setting of a newer dump.
        is_known = is_no_loss(entry[1], of_extensions) if entry else step.startswith("while INITIALIZING:")
        if CUT_OFF.search(step) or not is_known:
            # Not its lines DETAIL and CONTEXT: they quote data.
            lines = [line.strip() for line in step.splitlines() if SAID.search(line)]
            return " ".join(lines)[:500]
    return ""


def is_no_loss(entry: str, of_extensions: Callable[[], Collection[str]]) -> bool:
    """Return whether an error with the *entry* of the list of a dump, its kind, name and owner, loses no data."""
    # The reason is in the language of the server.
    of_table = entry.startswith("TABLE DATA ")
    return entry.startswith(NO_LOSS) or (
        of_table and any(entry.startswith(f"TABLE DATA {name} ") for name in of_extensions())
    )


def give_rights(connection: Connection) -> None:
    """Give other roles the rights that the dump on standard input names; psql goes on after a role that is missing.

    pg_restore would take one statement that fails for all rights on a table.
    """
    command, variables = client(connection, "psql")
    os.lseek(0, 0, os.SEEK_SET)
    listed = call(["pg_restore", "--list"], variables).splitlines()
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(line for line in listed if RIGHTS.match(line)))
        file.flush()
        os.lseek(0, 0, os.SEEK_SET)
        statements = call(["pg_restore", "--no-owner", f"--use-list={file.name}", "--file=-"], variables)
    call([*command, "--no-psqlrc", "--quiet"], variables, statements)


def settle(connection: Connection) -> dict[str, object]:
    """Write the log of a SQLite database into its file, so that the file is all of the database."""
    if os.path.exists(connection.settings_dict["NAME"]):
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    return {}


def main() -> None:
    """Run the action of the command line."""
    action, *rest = sys.argv[1:]
    os.umask(0o077)
    # What the project prints while it is imported is not data.
    output = os.dup(1)
    os.dup2(2, 1)
    import_module("django").setup()
    connections = import_module("django.db").connections
    sys.stdout.flush()
    os.dup2(output, 1)
    if action == "report":
        answer = report(connections, rest)
    elif action == "dump":
        connection = connections[rest[0]]
        # Without compression, restic stores what did not change only once.
        level = rest[1] if len(rest) > 1 else "0"
        answer = dump_sqlite(connection) if connection.vendor == "sqlite" else dump_postgresql(connection, level)
    elif action == "writes":
        answer = writes(connections[rest[0]])
    elif action == "load":
        answer = load_postgresql(connections[rest[0]], rest[1])
    else:
        answer = settle(connections[rest[0]])
    sys.stdout.flush()
    sys.stderr.write(f"\n{json.dumps(answer)}\n")
    sys.stderr.flush()
    # A thread that the project started must not keep the process running.
    os._exit(0)


if __name__ == "__main__":
    main()
