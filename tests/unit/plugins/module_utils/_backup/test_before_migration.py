"""The snapshot before a migration: made, refused, or not possible."""

import json
import os
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.report import Report
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._backup import before_migration, databases, postgresql
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError

FOUND = Report(migrations=["shop.3", "shop.3 (database queue)"], known_migrations=["shop.1", "shop.2", "shop.3"])


@pytest.fixture
def app(tmp_path):
    app = App("shop", str(tmp_path))
    os.makedirs(app.data)
    os.makedirs(app.release("one"))
    record = {"units": {}, "health": {}, "migrations": [], "known_migrations": ["shop.1"], "check": ""}
    with open(os.path.join(app.release("one"), "release.json"), "w", encoding="utf-8") as file:
        json.dump(record, file)
    with open(os.path.join(app.release("one"), ".complete"), "w", encoding="utf-8"):
        pass
    os.symlink("releases/one", app.link)
    return app


@pytest.fixture
def project(app, monkeypatch):
    """A project whose process reports these databases, and writes dumps."""
    found = SimpleNamespace(databases={"default": sqlite(app)}, calls=[], answers={})

    def run(_app, words, _script, arguments=(), project=None):
        found.calls.append((words, project.release))
        if words[0] == "report":
            return {"databases": found.databases, "versions": {"django": "5", "python": "3"}}
        if words[0] == "dump":
            with open(arguments[1], "w", encoding="utf-8") as file:
                file.write("a dump")
        answer = found.answers.get(words[0], {"rows": {"cart": 1}, "writes": {"rows": {"cart": 1}}})
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(databases, "run", run)
    return found


def sqlite(app, name="db.sqlite3", **more):
    path = os.path.join(app.data, name)
    return {"vendor": "sqlite", "name": path, "path": path, "host": "", "port": "", "user": "", "size": 100} | more


def server(name="shop", host="", **more):
    return {"vendor": "postgresql", "name": name, "path": "", "host": host, "port": "", "user": "", "size": 100} | more


def build(app, aliases=("default", "queue")):
    return SimpleNamespace(
        app=app,
        id="two",
        path=app.release("two"),
        tools=Tools(lambda *_argv, **_options: (0, "", ""), {}),
        plan={"units": {f"{app.home}/manage": "its script"}},
        params={"migrate_databases": [*aliases]},
    )


def make(app, **more):
    work = before_migration.BeforeMigration(app)
    work(build(app, **more), FOUND)
    return work


def test_a_snapshot(app, project):
    project.databases |= {"queue": sqlite(app, "queue.sqlite3"), "other": sqlite(app, "other.sqlite3")}
    work = make(app)
    path = work.result["path"]
    assert os.path.dirname(path) == app.snapshots
    assert sorted(os.listdir(path)) == ["default.sqlite3", "manifest.json", "queue.sqlite3"]
    assert os.stat(app.snapshots).st_mode & 0o777 == os.stat(path).st_mode & 0o777 == 0o700
    manifest = work.snapshot.manifest
    # The candidate's code: its settings name what is migrated.
    assert {release for _words, release in project.calls} == {app.release("two")}
    assert (manifest["before"], manifest["candidate"], manifest["bytes"]) == ("one", "two", 12)
    assert (manifest["applied"], manifest["already"]) == (["shop.1", "shop.2"], ["shop.2"])
    assert work.said.startswith("snapshot of the databases before the migrations: 0.0 kB in ")
    assert "-e restore_database=true" in work.remedy
    assert work.way_back.startswith(work.said)


def test_what_the_deployment_wrote_is_noted(app, project):
    work = make(app)
    project.answers["writes"] = {"rows": {"cart": 7}}
    work.migrated(build(app))
    with open(os.path.join(work.result["path"], "manifest.json"), encoding="utf-8") as file:
        assert json.load(file)["after"] == {"default": {"rows": {"cart": 7}}}


def test_counters_that_cannot_be_read_do_not_fail_a_deployment(app, project):
    work = make(app)
    project.answers["writes"] = BackupError("no")
    work.migrated(build(app))
    assert work.snapshot.manifest["after"] == {"default": {}}


@pytest.mark.parametrize("answer", [BackupError("pg_dump ended with 1"), {"rows": {"cart": "x"}}])
def test_without_a_snapshot_nothing_is_migrated(app, project, answer):
    project.answers["dump"] = answer
    with pytest.raises(ReleaseError, match=r"phase 'snapshot': the databases are not migrated(.|\n)*migration_snapsho"):
        make(app)
    assert os.listdir(app.snapshots) == []


def test_a_dump_that_would_not_fit_is_not_begun(app, project):
    project.databases["default"]["size"] = 1 << 60
    with pytest.raises(ReleaseError, match=r"it needs about \d+ MB, and the file system of .* Free some space"):
        make(app)
    assert [words[0] for words, _release in project.calls] == ["report"]


@pytest.mark.parametrize(
    ("reported", "reason"),
    [
        (server(host="db.example.com"), "it is on db.example.com"),
        (server("blog"), "it belongs to the role 'blog', not to 'shop'"),
        (server("gone"), "has no database 'gone'"),
        (server("down"), "cannot be asked for it"),
        (server("nowhere"), "cannot be asked for it"),
        (server(vendor="mysql"), "Gatehouse dumps PostgreSQL and SQLite, not mysql"),
        ({"vendor": "sqlite", "name": "/db", "path": "/db", "host": "", "port": "", "user": ""}, "'/db' is not below"),
    ],
)
def test_a_database_that_cannot_be_taken_back_gets_none(app, project, monkeypatch, reported, reason):
    def owner(name):
        if name in ("down", "nowhere"):
            raise BackupError("refused") if name == "down" else FileNotFoundError("runuser")
        return {"gone": ""}.get(name, name)

    monkeypatch.setattr(postgresql, "owner", owner)
    project.databases["default"] = reported
    work = make(app)
    (said,) = work.warnings
    assert "no snapshot of DATABASES['default'] was made before its migrations" in said
    assert reason in said
    assert (work.result, work.said, work.remedy) == ({}, "", "")
    assert not os.path.exists(app.snapshots)


def test_a_database_of_the_host_is_dumped_with_compression(app, project, monkeypatch):
    monkeypatch.setattr(postgresql, "owner", lambda _name: "shop")
    project.databases["default"] = server()
    make(app)
    assert ["dump", "default", "1"] in [words for words, _release in project.calls]


def test_a_database_in_memory_needs_none(app, project):
    project.databases["default"] = sqlite(app, path="", name=":memory:")
    work = make(app)
    assert (work.warnings, work.result) == ([], {})
