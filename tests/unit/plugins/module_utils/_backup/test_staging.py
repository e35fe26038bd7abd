"""What is refused before anything is fetched, and how fetched files become the app's."""

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import postgresql, staging
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError


@pytest.fixture
def app(tmp_path):
    app = App("shop", str(tmp_path))
    os.makedirs(f"{app.data}/media")
    return app


def sqlite(path):
    return Database("default", "sqlite", path, path, "", "", "")


def server(**more):
    return Database(**{"alias": "default", "vendor": "postgresql", "path": "", "port": "", "user": ""} | more)


def staged(app, now, vendor="sqlite", only="all", **more):
    manifest = {"databases": [{"alias": "default", "vendor": vendor, "file": "default.sqlite3"} | more]}
    return staging.Staging(app, manifest | {"media_group": 0}, only, "stage", [now] if now else [])


@pytest.mark.parametrize(
    ("database", "vendor", "said"),
    [
        (None, "sqlite", "is sqlite in the backup, and the served release has no database"),
        (sqlite("/srv/db.sqlite3"), "postgresql", "is postgresql in the backup, and the served release has sqlite"),
        (sqlite("/mnt/db.sqlite3"), "sqlite", "which is not below"),
        (server(name="shop", host="db.example.com"), "postgresql", "is on db.example.com"),
        (server(name="blog", host=""), "postgresql", "'blog' belongs to role 'blog', not to 'shop'"),
    ],
)
def test_what_is_refused(app, monkeypatch, database, vendor, said):
    monkeypatch.setattr(postgresql, "owner", lambda name: name)
    with pytest.raises(BackupError, match=said):
        staged(app, database, vendor).check()


def test_only_the_files_need_no_database(app):
    assert staged(app, None, only="files").check() is None


def test_data_that_are_a_mount_point_cannot_be_moved(app, monkeypatch):
    monkeypatch.setattr(os.path, "ismount", lambda path: path == app.data)
    with pytest.raises(BackupError, match="is a mount point"):
        staged(app, sqlite(f"{app.data}/db.sqlite3")).check()


def test_a_backup_that_does_not_fit(app):
    one = staged(app, sqlite(f"{app.data}/db.sqlite3"))
    one.check_room({"/data": 0})
    with pytest.raises(BackupError, match="Nothing was changed"):
        one.check_room({"/data": 1 << 60})


def test_the_server_of_postgresql_needs_room_too(app, monkeypatch):
    monkeypatch.setattr(postgresql, "ask", lambda sql: app.home if sql.startswith("SHOW") else f"{1 << 60}\n")
    one = staged(app, server(name="shop", host=""), "postgresql", file="default.pgdump")
    with pytest.raises(BackupError, match="stays free for the live data"):
        one.check_room({"/databases/default.pgdump": 10})
    staged(app, server(name="shop", host=""), "postgresql", only="files").check_room({"/data": 10})


def test_the_dump_takes_its_place_among_the_files(app, monkeypatch):
    owner = os.getuid(), os.getgid()
    monkeypatch.setattr(accounts, "ids_of", lambda _name: owner)
    one = staged(app, sqlite(f"{app.data}/sub/db.sqlite3"))
    os.makedirs(f"{one.directory}/data")
    os.makedirs(f"{one.directory}/databases")
    with open(f"{one.directory}/databases/default.sqlite3", "w", encoding="utf-8") as file:
        file.write("dump")
    (move,) = one.moves()
    assert (move.live, move.staged) == (["data"], ["stage", "data"])
    assert os.listdir(f"{one.directory}/data/sub") == ["db.sqlite3"]
    assert os.listdir(f"{one.directory}/databases") == []


def test_no_link_leads_the_dump_elsewhere(app, tmp_path, monkeypatch):
    monkeypatch.setattr(accounts, "ids_of", lambda _name: (os.getuid(), os.getgid()))
    one = staged(app, sqlite(f"{app.data}/sub/db.sqlite3"))
    for name in ("data", "databases"):
        os.makedirs(f"{one.directory}/{name}")
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", f"{one.directory}/data/sub")
    with open(f"{one.directory}/databases/default.sqlite3", "w", encoding="utf-8") as file:
        file.write("dump")
    with pytest.raises(OSError, match="is a symbolic link"):
        one.moves()
    assert os.listdir(tmp_path / "elsewhere") == []


def test_databases_that_are_not_complete_do_not_stay(app, monkeypatch):
    names = ("shop", "stock")
    now = [server(alias=name, name=name, host="") for name in names]
    manifest = {
        "databases": [
            {"alias": name, "vendor": "postgresql", "file": f"{name}.pgdump", "extensions": [], "rows": {}}
            for name in names
        ]
    }
    one = staging.Staging(app, manifest, "database", "stage", now)
    made, dropped = [], []
    # What a killed run has left belongs to the superuser while it is made.
    owners = dict.fromkeys(names, "shop") | {"shop_restored": "postgres"}
    monkeypatch.setattr(postgresql, "owner", lambda name: owners.get(name, ""))
    monkeypatch.setattr(postgresql, "check_leftover", lambda name: name == "shop_restored")
    monkeypatch.setattr(postgresql, "create", lambda name, *_like: made.append(name))
    monkeypatch.setattr(postgresql, "drop", dropped.append)
    os.makedirs(f"{one.directory}/databases")
    for name in names:
        with open(f"{one.directory}/databases/{name}.pgdump", "w"):
            pass

    def load(database, _name, _dump):
        if database.name == "stock":
            raise BackupError("an index is lost")
        return {"rows": {}}

    with pytest.raises(BackupError, match="an index is lost"):
        one.renames("20261127t120000z", load)
    assert made == dropped == ["shop_restored", "stock_restored"]
