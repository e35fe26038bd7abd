"""A restore before the first release replaces nothing, and a killed one is finished or done again."""

import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts, directories
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._backup import first_load, journal, postgresql
from ansible_collections.gatehouse.django.plugins.module_utils._backup.first_data import FirstData
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place

DATABASE = {"alias": "default", "vendor": "postgresql", "name": "shop", "host": "", "file": "default.pgdump"}


@pytest.fixture
def work(tmp_path, monkeypatch):
    app = App("shop", str(tmp_path / "srv"))
    os.makedirs(f"{app.data}/media")
    place = Place(app, str(tmp_path / "state"))
    place.home.mkdir(parents=True)
    monkeypatch.setattr(accounts, "ensure", lambda *_given: None)
    monkeypatch.setattr(directories, "ensure", lambda *_given: None)
    return FirstData(Tools(None, {}), place)


@pytest.fixture
def server(monkeypatch):
    """The databases of the host's PostgreSQL by name, each with the number of its tables."""
    databases = {"shop": 0}
    monkeypatch.setattr(postgresql, "owner", lambda name: "shop" if name in databases else "")
    monkeypatch.setattr(
        postgresql, "ask", lambda sql, name="": "150004\n" if sql.startswith("SHOW") else f"{databases[name]}\n"
    )
    return databases


@pytest.mark.parametrize("path", ["data/file", "data/media/upload"])
def test_a_host_with_files_is_refused(work, path):
    with open(os.path.join(work.app.home, path), "w"):
        pass
    with pytest.raises(BackupError, match="is not empty, and a restore before the first release replaces nothing"):
        work.run(None, "1f0c8d2e", {"databases": []}, "all", "www-data")


def databases_of(app, **more):
    return first_load.databases_of(app, {"databases": [DATABASE | more]}, "1f0c8d2e" * 8)


def test_a_database_with_tables_is_refused(work, server):
    found, _elsewhere = databases_of(work.app)
    first_load.check_server(found, {"default": "15.4 (Debian 15.4-1)"})
    with pytest.raises(BackupError, match="of PostgreSQL 17, which this host's PostgreSQL 15 cannot read"):
        first_load.check_server(found, {"default": "17.1"})
    server["shop"] = 1
    with pytest.raises(BackupError, match="The database 'shop' is not empty"):
        first_load.check_server(found, {"default": "15.4"})
    server.clear()
    with pytest.raises(BackupError, match="set 'database: postgresql' in the app's entry"):
        first_load.check_server(found, {"default": "15.4"})


def test_a_database_on_another_host_stays(work):
    found, elsewhere = databases_of(work.app, host="db.example.com")
    assert found == []
    (said,) = elsewhere
    assert said.startswith(
        "DATABASES['default'] is on db.example.com and stays as it is. If that host has lost it, too: "
    )
    assert said.endswith(" -e app=shop -e only=database -e at=1f0c8d2e -e confirm=shop")


def test_the_place_of_sqlite_is_below_the_data(work):
    found, _elsewhere = databases_of(work.app, vendor="sqlite", path="db/../db.sqlite3")
    assert found[0].path == f"{work.app.data}/db.sqlite3"
    # Staging refuses it.
    assert databases_of(work.app, vendor="sqlite", path="../../etc/x")[0][0].below(work.app.data) == ""


def note_of(work, **more):
    stage = os.path.join(work.app.home, "before-restore-x")
    os.makedirs(f"{stage}/data/media")
    with open(f"{stage}/data/db.sqlite3", "w"):
        pass
    move = journal.Move(["data"], ["before-restore-x", "data"], os.stat(f"{stage}/data").st_ino)
    note = journal.Journal("1f0c8d2e", "r1", "before-restore-x", moves=[move], is_first=True, **more)
    note.write(work.place)
    with open(f"{stage}/facts.json", "w") as file:
        json.dump({"stage": "before-restore-x", "snapshot": "1f0c8d2e", "postgresql": []}, file)
    return note


@pytest.mark.parametrize("moment", ["fetching", "ready", "exchanged", "recorded"])
def test_a_killed_one(work, moment):
    note = note_of(work, is_ready=moment != "fetching")
    if moment in ("exchanged", "recorded"):
        note.exchange(work.app)
    if moment == "recorded":
        os.rename(f"{work.app.home}/before-restore-x/facts.json", work.place.first_data)
    assert work.is_to_be_finished == (moment != "fetching")
    work.recover()
    assert not work.is_to_be_finished
    assert os.listdir(work.app.home) == ["data"]
    assert not journal.path(work.place).exists()
    is_done = moment != "fetching"
    assert os.path.exists(f"{work.app.data}/db.sqlite3") == is_done
    assert (work.found().get("snapshot") == "1f0c8d2e") == is_done
    work.recover()
    assert os.listdir(work.app.home) == ["data"]


def test_what_was_restored_counts_only_as_long_as_it_is_there(work):
    note_of(work, is_ready=True)
    work.recover()
    assert work.found()
    os.unlink(f"{work.app.data}/db.sqlite3")
    assert work.found() == {}


def test_the_record_of_a_restored_database_counts_while_it_has_tables(work, server):
    work.place.first_data.write_text(json.dumps({"stage": "x", "postgresql": ["shop"]}))
    assert work.found() == {}
    server["shop"] = 3
    assert work.found()
