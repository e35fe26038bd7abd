"""A copy of a backup beside the live data: what is made, where, and what differs from the backup."""

import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import beside, databases, room
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import copy_server
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.scratch import LackedExtension

LIVE = [
    Database("default", "postgresql", "shop", "", "", "", ""),
    Database("more", "postgresql", "more", "", "/run/postgresql", "", ""),
    Database("far", "postgresql", "far", "", "db.example.com", "", ""),
    Database("local", "sqlite", "/x", "/x", "", "", ""),
]
ROWS = {"public.shop_order": 2, "public.django_migrations": 9}
TIME = "2026-11-26T02:41:07Z"


class Scratch:
    """Notes what is made of databases."""

    def __init__(self, user, *server):
        self.user, self.calls, self.found, self.said, self.server = user, [], ROWS, "", server

    def name(self, purpose):
        return f"{self.user}-{purpose}"

    def url(self, purpose, scheme):
        return f"{scheme}://{self.name(purpose)}"

    def create(self, purpose, like):
        self.calls.append(("create", purpose, like))

    def create_alone(self, purpose, extensions, major):
        if "postgis" in extensions:
            raise LackedExtension("the server lacks postgis")
        self.calls.append(("create", purpose, extensions, major))

    def fill(self, purpose, dump, more):
        self.calls.append(("fill", purpose, os.path.basename(dump)))
        if self.said == "refused":
            raise PostgresqlError("no")
        return self.said

    def rows(self, _purpose):
        return self.found

    def drop(self, purpose):
        self.calls.append(("drop", purpose))


class Repository:
    """Restores the files that a snapshot has."""

    def restore(self, *words):
        target = words[words.index("--target") + 1]
        assert words[0] == "--no-lock"
        for part in words[words.index("--include") + 1 :: 2]:
            os.makedirs(f"{target}{part}")
        for name in ("default.pgdump", "more.pgdump", "far.pgdump", "local.sqlite3"):
            if os.path.isdir(f"{target}/databases"):
                open(f"{target}/databases/{name}", "w").close()
        if os.path.isdir(f"{target}/data"):
            os.symlink("/etc", f"{target}/data/link")


def database(alias, vendor="postgresql", **more):
    return {"alias": alias, "vendor": vendor, "name": alias, "path": "", "rows": ROWS} | more


@pytest.fixture
def work(tmp_path, monkeypatch):
    app = App("shop", str(tmp_path / "srv"))
    os.makedirs(app.data)
    place = Place(app, str(tmp_path / "state"))
    place.home.mkdir(parents=True)
    monkeypatch.setattr(databases, "read", lambda _app: (LIVE, {}, []))
    monkeypatch.setattr(room, "sizes", lambda *_words: {"/databases/default.pgdump": 5})
    monkeypatch.setattr(room, "check", lambda *_words: None)
    monkeypatch.setattr(accounts, "ensure_copy_user", lambda *_words: None)
    monkeypatch.setattr(accounts, "ids_of", lambda _name: (os.getuid(), os.getgid()))
    monkeypatch.setattr(beside, "Scratch", Scratch)
    monkeypatch.setattr(beside.InCopy, "rows", lambda _self, _path: ROWS)
    return beside.Beside(place, "drill")


def make(work, *wanted, only="database"):
    work.make(Repository(), "1f0c8d2e4b6a", {"databases": wanted, "time": TIME}, only)


def test_databases_are_loaded_into_copies_of_their_own(work):
    make(work, database("default", name="shop"), database("more"))
    assert work.scratch.calls == [
        *[("create", "drill", "shop"), ("fill", "drill", "default.pgdump")],
        *[("create", "drill-2", "more"), ("fill", "drill-2", "more.pgdump")],
    ]
    assert work.problems() == []
    assert work.connections()["more"]["NAME"] == "shop-copy-drill-2"
    assert work.look()[0] == "DATABASES['default']: runuser -u shop-copy -- psql shop-copy-drill"
    assert work.bytes == 5
    # A dump is as large as its database.
    assert not os.path.exists(f"{work.directory}/databases/default.pgdump")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("db.sqlite3", "data/db.sqlite3"),
        ("deep/er/db.sqlite3", "data/deep/er/db.sqlite3"),
        ("", "data/.gatehouse-local.sqlite3"),
        ("../../x", "data/.gatehouse-local.sqlite3"),
        ("/etc/x", "data/.gatehouse-local.sqlite3"),
    ],
)
def test_a_file_of_sqlite_is_where_the_settings_look_for_it(work, path, place):
    make(work, database("local", "sqlite", path=path))
    assert os.path.isfile(f"{work.directory}/{place}")
    assert work.connections()["local"]["NAME"] == f"{work.app.home}/{place}"
    assert work.look() == [f"DATABASES['local']: runuser -u shop-copy -- sqlite3 {work.directory}/{place}"]


def test_a_link_in_the_backup_leads_nowhere(work):
    with pytest.raises(Exception, match="link"):
        make(work, database("local", "sqlite", path="link/db.sqlite3"), only="all")


def test_without_programs_a_database_of_another_host_is_left_out(work, monkeypatch):
    monkeypatch.setattr(copy_server, "newest", lambda: 15)
    make(work, database("far", version="17.6 (Debian)"), database("default", name="shop", version="15.14"))
    assert work.left_out == [
        "DATABASES['far'] is on db.example.com, and a copy needs the programs of PostgreSQL's server on this host, "
        "which has only those of version 15: install postgresql-17."
    ]
    assert [call[:2] for call in work.scratch.calls] == [("create", "drill"), ("fill", "drill")]
    assert work.scratch.server == ()


class Server:
    """Notes what a server for copies is asked for."""

    major, socket, bound = "17", "/srv/shop/copies/drill-server/socket", ["BindPaths=x"]

    def __init__(self, calls):
        self.calls = calls

    def start(self, major):
        self.calls.append(("start", major))

    def remove(self):
        self.calls.append("remove")

    def run(self, *_words):
        raise AssertionError


def test_with_a_database_of_another_host_all_copies_are_on_a_server_for_copies(work, monkeypatch):
    monkeypatch.setattr(copy_server, "newest", lambda: 17)
    work._server = Server([])
    far = database("far", version="16.3", extensions=["pg_trgm"])
    make(work, far, database("default", name="shop", version="15.14", extensions=[]))
    assert work._server.calls == [("start", 16)]
    assert work.scratch.server == (work._server.run, work._server.bound)
    assert [call for call in work.scratch.calls if call[0] == "create"] == [
        ("create", "drill", ("pg_trgm",), "17"),
        ("create", "drill-2", (), "17"),
    ]
    assert work.left_out == []
    assert work.look()[0].endswith(f"psql --host={Server.socket} shop-copy-drill")
    assert work.inside()._more == ("BindPaths=x",)
    work.remove()
    # The server has gone with its databases: there is no other one to ask.
    assert work._server.calls == [("start", 16), "remove"]
    assert not [call for call in work.scratch.calls if call[0] == "drop"]


def test_the_next_run_removes_what_a_killed_one_has_left(work, monkeypatch):
    work.scratch.said = "refused"
    with pytest.raises(BackupError, match=r"DATABASES\['default'\]: no"):
        make(work, database("default"))
    assert json.loads(work.note.read_text())["databases"] == ["drill"]
    work.scratch.calls.clear()
    assert work.remove()["snapshot"] == "1f0c8d2e"
    assert work.scratch.calls == [("drop", "drill")]
    assert not os.path.exists(work.directory)
    assert work.remove() == {}


def test_a_database_whose_extension_the_host_lacks_is_left_out(work, monkeypatch):
    monkeypatch.setattr(copy_server, "newest", lambda: 17)
    work._server = Server([])
    make(work, database("far", version="16.3", extensions=["postgis"]), database("default", name="shop"))
    assert work.left_out == ["DATABASES['far'] was not copied: the server lacks postgis"]
    assert [one.alias for one in work.copies] == ["default"]
    # A later plan without the server asks the host's own again.
    make(work, database("default", name="shop"))
    assert work.scratch.server == ()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (ROWS | {"public.shop_order": 1}, "public.shop_order has 1, not 2"),
        ({"public.django_migrations": 9}, "public.shop_order has no table, not 2"),
        (ROWS | {"public.x": 0}, "public.x is not in the backup"),
        ({}, "public.django_migrations has no table, not 9, public.shop_order has no table, not 2"),
    ],
)
def test_rows_that_differ(work, found, said):
    work.scratch.found = found
    make(work, database("default"))
    assert work.problems() == [f"DATABASES['default']: the rows differ from those of the backup: {said}."]


def test_what_postgresql_did_not_load(work):
    work.scratch.said = "error: no"
    make(work, database("default"))
    assert work.problems() == ["DATABASES['default']: PostgreSQL did not load all of it: error: no."]


def test_an_alias_that_is_a_path(work):
    with pytest.raises(BackupError, match="has a database"):
        make(work, database("../x"))


def test_a_directory_of_an_operator_is_not_touched(work):
    os.makedirs(f"{work.directory}/notes")
    with pytest.raises(BackupError, match=r"is in the way: no copy of Gatehouse"):
        make(work, database("default"))
    assert os.path.isdir(f"{work.directory}/notes")
    assert work.scratch.calls == []
