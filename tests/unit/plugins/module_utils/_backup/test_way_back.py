"""A rollback of the databases: the release and its data change together, or neither does."""

import json
import os
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup import journal, way_back
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._backup.migration_snapshots import Snapshot
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place

BEFORE, AFTER = ("two", "new data"), ("one", "old data")


def release(app, name, migrations):
    os.makedirs(app.release(name))
    record = {"units": {"unit": name}, "health": {}, "migrations": [], "known_migrations": migrations, "check": ""}
    for file, text in (("release.json", json.dumps(record)), (".complete", "")):
        Path(app.release(name), file).write_text(text, encoding="utf-8")


@pytest.fixture
def app(tmp_path):
    """An app that has migrated, and the stage with the databases from before."""
    app = App("shop", str(tmp_path / "srv"))
    release(app, "one", ["shop.1"])
    release(app, "two", ["shop.1", "shop.2"])
    os.symlink("releases/two", app.link)
    for directory, text in ((app.data, "new data"), (f"{app.home}/stage", "old data")):
        os.makedirs(directory)
        Path(directory, "db").write_text(text, encoding="utf-8")
    path = Path(app.snapshots, "20261126T180000Z")
    path.mkdir(parents=True)
    manifest = {"before": "one", "began": "2026-11-26T18:00:00Z", "applied": ["shop.1"], "migrations": ["shop.2"]}
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return app


class Host:
    """What runs: a release, which notes with which data it was started."""

    def __init__(self, app):
        self.app, self.started, self.commands = app, [], []

    @property
    def live(self):
        return self.app.current(), Path(self.app.data, "db").read_text(encoding="utf-8")


@pytest.fixture
def host(app, monkeypatch, tmp_path):
    host = Host(app)
    tools = SimpleNamespace(
        phase=lambda _name: nullcontext(),
        attempt=lambda argv: host.commands.append(argv) or (0, "", ""),
        run=lambda argv: host.commands.append(argv) or "",
    )
    units = SimpleNamespace(app=app, on_host=dict, processes=lambda _files: ["shop-worker.service"], timers=list)
    units.write, units.stale, units.drop = host.commands.append, lambda _files: [], lambda _paths: None
    units.timers = lambda _files: []
    host.work = way_back.WayBack(tools, units, Place(app, str(tmp_path / "state")))
    monkeypatch.setattr(way_back.Restore, "stop", lambda _self: host.commands.append("stop"))
    monkeypatch.setattr(way_back.Restore, "start", lambda _self: host.started.append(host.live))

    class Switch:
        fails = False

        def __init__(self, _tools, _units, target, *, rolls_back):
            assert not rolls_back
            self.target = target

        def run(self):
            host.started.append((self.target, host.live[1]))
            if self.fails:
                raise ReleaseError("it answers 500")
            way_back.files.point(Path(app.link), f"releases/{self.target}")

    monkeypatch.setattr(way_back, "Switch", Switch)
    host.switch = Switch
    return host


@pytest.fixture
def note(app, host):
    move = journal.Move(["data", "db"], ["stage", "db"], os.stat(f"{app.home}/stage/db").st_ino)
    note = journal.Journal("20261126T180000Z", "one", "stage", moves=[move], served="two", target="one")
    note.is_ready = True
    host.work.place.home.mkdir(parents=True)
    note.write(host.work.place)
    return note


def finish(host, note):
    host.work._finish(note, was_healthy=True)


def test_both_become_live_together(app, host, note):
    finish(host, note)
    assert host.live == AFTER
    assert host.started == [AFTER]
    assert journal.read(host.work.place) is None
    assert Path(app.home, "stage/db").read_text(encoding="utf-8") == "new data"


def test_a_release_that_fails_with_its_data_leaves_what_was_before(app, host, note, monkeypatch):
    monkeypatch.setattr(host.switch, "fails", True)
    with pytest.raises(BackupError, match="it answers 500\nThe release and the databases of before are live again"):
        finish(host, note)
    # The newer release was never started with the older data.
    assert host.started == [AFTER, BEFORE]
    assert host.live == BEFORE
    assert {"unit": "two"} in host.commands
    assert journal.read(host.work.place) is None
    assert not os.path.exists(f"{app.home}/stage")


def test_an_exchange_that_fails_starts_the_app_as_it_was(host, note, monkeypatch):
    """A client of the database that comes back each time, for example."""

    def fail(_journal, _app, back=False):
        raise BackupError("database is being accessed by other users")

    monkeypatch.setattr(journal.Journal, "exchange", fail)
    with pytest.raises(BackupError, match="accessed by other users\nNothing was exchanged"):
        finish(host, note)
    assert host.started == [BEFORE]
    assert ["systemctl", "--quiet", "enable", "shop-web.service", "shop-worker.service"] in host.commands
    assert journal.read(host.work.place) is None


@pytest.mark.parametrize(("exchanged", "linked"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("undone", [False, True])
def test_a_killed_one_is_finished_or_undone(app, host, note, exchanged, linked, undone):
    if exchanged:
        note.exchange(app)
    if linked:
        way_back.files.point(Path(app.link), "releases/one")
    note.is_undone = undone
    note.write(host.work.place)
    done = host.work.recover()
    assert host.live == (AFTER if exchanged and not undone else BEFORE)
    assert bool(done) == (exchanged and not undone)
    assert set(host.started) <= {BEFORE, AFTER}
    assert journal.read(host.work.place) is None


def test_what_is_undone_is_not_the_release_that_the_next_rollback_returns_to(app, host, note):
    """Another host of the fleet did not become healthy after this one had switched."""
    for served in ("two", "one"):
        way_back.mark_served(app, served)
    way_back.files.point(Path(app.link), "releases/one")
    note.exchange(app)
    note.is_undone = True
    note.write(host.work.place)
    host.work.recover()
    release(app, "three", ["shop.1", "shop.2", "shop.3"])
    way_back.mark_served(app, "three")
    way_back.files.point(Path(app.link), "releases/three")
    assert app.rollback_targets() == ["two", "one"]


def test_the_app_does_not_start_at_a_boot_meanwhile(host, note):
    host.work.stop()
    names = ["shop-web.service", "shop-worker.service"]
    assert host.commands == [["systemctl", "--quiet", "disable", *names], "stop"]
    host.work.start()
    assert host.commands[-1] == ["systemctl", "--quiet", "enable", *names]


def test_the_served_release_can_stay(app, host, note):
    """Its database is what a deployment that failed has changed."""
    note.served = note.target = "two"
    host.work._finish(note, was_healthy=False)
    assert host.live == ("two", "old data")
    assert app.was_served("two")


def test_releases_with_later_migrations_are_built_anew(app, host, note):
    """A deployment of a release that is complete would not migrate."""
    release(app, "three", ["shop.1", "shop.2", "shop.3"])
    release(app, "zero", ["shop.1"])
    finish(host, note)
    complete = [name for name in ("zero", "one", "two", "three") if app.is_complete(name)]
    assert complete == ["zero", "one"]
    (used,) = way_back.found(app)
    assert used.manifest["restored"]


def database(**more):
    given = {"alias": "default", "vendor": "postgresql", "name": "shop", "path": "", "host": "", "port": "", "user": ""}
    return Database(**given | more)


@pytest.mark.parametrize("now", [[], [database(name="other")], [database(host="db")], [database(vendor="sqlite")]])
def test_another_database_is_never_exchanged(app, now):
    snapshot = Snapshot(Path("/20261126T180000Z"), {"began": "", "databases": [{"alias": "default"}]})
    snapshot.manifest["databases"][0] |= {"vendor": "postgresql", "name": "shop", "host": ""}
    assert way_back.check(app, snapshot, "one", [database()]) is None
    with pytest.raises(BackupError, match=r"Release one uses another database as DATABASES\['default'\]"):
        way_back.check(app, snapshot, "one", now)


def test_how_to_remove_what_is_kept_is_said(app, host, note):
    note.renames = [journal.Rename("shop", "shop_restored", "a; rm -r /")]
    said = host.work.kept(note)
    assert said == [
        "database a; rm -r / (remove it: runuser -u postgres -- dropdb 'a; rm -r /')",
        f"{app.home}/stage (remove it: rm -r {app.home}/stage)",
    ]
