"""What of a database is dumped, and whether pg_restore has loaded all of it."""

import os
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._backup.project_data import (
    begin,
    dump_sqlite,
    lost_in_load,
)

END = "pg_restore: warning: errors ignored on restore: 1\n"
START = "pg_restore: connecting to database for restore\n"
EXTENSION = (
    'pg_restore: creating EXTENSION "hstore"\npg_restore: while PROCESSING TOC:\n'
    "pg_restore: from TOC entry 2; 3079 16390 EXTENSION hstore (no owner)\n"
    "pg_restore: error: could not execute query: ERROR:  permission denied to create extension\n"
    "Command was: CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;\n\n\n"
    'pg_restore: creating TABLE "public.entry"\n'
)
INDEX = (
    'pg_restore: creating INDEX "public.entry_label_idx"\n'
    "pg_restore: from TOC entry 3400; 1259 16401 INDEX entry_label_idx shop\n"
    "pg_restore: error: could not execute query: ERROR:  could not extend file\n"
    'pg_restore: creating VIEW "public.labels"\n'
)
NEWER = (
    "pg_restore: while INITIALIZING:\npg_restore: error: could not execute query: ERROR:  unrecognized configuration "
    'parameter "transaction_timeout"\n'
)
# Only the superuser may change what PostGIS brought; this server speaks German.
SPATIAL = (
    'pg_restore: processing data for table "public.spatial_ref_sys"\n'
    "pg_restore: from TOC entry 4210; 0 17283 TABLE DATA spatial_ref_sys postgres\n"
    "pg_restore: error: could not execute query: FEHLER:  keine Berechtigung f\u00fcr Tabelle spatial_ref_sys\n"
    "Command was: COPY public.spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text) FROM stdin;\n"
)
LOST = "pg_restore: error: could not execute query: server closed the connection unexpectedly\n"


def lost(code, said, *of_extensions):
    return lost_in_load(code, START + said, lambda: of_extensions)


@pytest.mark.parametrize(("code", "said"), [(0, ""), (1, EXTENSION + END), (1, NEWER + EXTENSION + END)])
def test_errors_without_loss(code, said):
    assert lost(code, said) == ""


def test_only_the_error_itself_is_named():
    said = lost(1, EXTENSION + INDEX + END)
    assert said.startswith("from TOC entry 3400; ")
    assert said.endswith("could not extend file")


def test_the_rows_of_a_table_of_an_extension():
    assert lost(1, EXTENSION + SPATIAL + END, "us_lex", "spatial_ref_sys") == ""
    for others in ([], ["spatial_ref", "postgres"]):
        assert "TABLE DATA spatial_ref_sys" in lost(1, EXTENSION + SPATIAL + END, *others)
    assert "INDEX entry_label_idx" in lost(1, SPATIAL + INDEX + END, "spatial_ref_sys", "entry_label_idx")
    assert "server closed" in lost(1, SPATIAL + LOST + END, "spatial_ref_sys")


@pytest.mark.parametrize(
    ("code", "said", "named"),
    [
        (-9, "", "connecting"),
        (1, "pg_restore: error: connection to server was lost\n", "was lost"),
        (1, EXTENSION + INDEX + END, "INDEX entry_label_idx"),
        # Without the name of an object.
        (1, LOST.replace("server closed", "column closed") + END, "column closed"),
        (1, EXTENSION + LOST + END, "server closed the connection"),
    ],
)
def test_a_loss_is_named(code, said, named):
    assert named in lost(code, said)


class Cursor:
    def __init__(self):
        self.said = []

    execute = property(lambda self: self.said.append)


def test_no_limit_of_the_project_ends_the_transaction_of_a_dump():
    cursor = Cursor()
    begin(cursor, "REPEATABLE READ")
    assert cursor.said[:3] == [
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL idle_in_transaction_session_timeout = 0",
    ]
    # Only PostgreSQL 17 and newer have this setting.
    assert "'transaction_timeout', '0', true) WHERE" in cursor.said[-1]


class Sqlite(sqlite3.Cursor):
    """One of Django."""

    def execute(self, sql, values=()):
        return super().execute(sql.replace("%s", "?"), values)


def test_a_copy_of_sqlite_beside_that_of_another_process(tmp_path, monkeypatch, capsysbinary):
    """A deployment makes one while the backup does."""
    monkeypatch.setenv("GATEHOUSE_DATA_DIR", str(tmp_path))
    other, own = (tmp_path / f".gatehouse-backup-{number}" for number in (os.getppid(), os.getpid()))
    other.write_text("")
    # Of a process that was killed and had the same number.
    own.write_text("left")
    database = sqlite3.connect(tmp_path / "db.sqlite3")
    database.executescript("PRAGMA journal_mode=WAL; CREATE TABLE entry (id); INSERT INTO entry VALUES (1), (2)")
    connection = SimpleNamespace(
        cursor=lambda: closing(Sqlite(database)), ops=SimpleNamespace(quote_name=lambda name: f'"{name}"')
    )
    assert dump_sqlite(connection)["rows"] == {"entry": 2}
    copy = tmp_path / "copy"
    copy.write_bytes(capsysbinary.readouterr().out)
    assert sqlite3.connect(copy).execute("SELECT count(*) FROM entry").fetchone() == (2,)
    assert other.exists()
    assert not own.exists()
