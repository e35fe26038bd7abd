"""A drill: what it records, and what makes it fail."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import drill_record
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import drill
from ansible_collections.gatehouse.django.plugins.module_utils._backup.copy_plan import Copy
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._core import lock

SNAPSHOT = {"id": "1f0c8d2e4b6a", "time": "2026-11-26T02:41:07Z", "hostname": "web1"}
MANIFEST = {"release": "r1"}
ROWS = {"public.shop_order": 2, "public.django_migrations": 9}


class Beside:
    """A copy with one database, which lacks the migrations `lacking` of the release that is asked."""

    def __init__(self, place, *_more):
        self.place, self.app, self.left_out = place, place.app, []
        self.seconds, self.bytes, self.failures, self.lacking = {"fetch": 1.04, "load": 2.02}, 7, [], []
        self.copies = [Copy("default", "postgresql", "shop", "drill", "default.pgdump", ROWS)]
        self.made = self.removed = 0

    def make(self, *_words):
        self.made += 1
        if self.failures:
            raise BackupError(self.failures.pop())

    def problems(self):
        return [text for one in self.copies for text in one.problems]

    def connections(self):
        return {"default": {"NAME": "shop-copy-drill"}}

    def inside(self):
        return self

    def migrations(self, release, changes):
        self.asked = release, changes
        return {"default": self.lacking}

    def remove(self):
        self.removed += 1


@pytest.fixture
def beside(tmp_path, monkeypatch):
    app = App("shop", str(tmp_path))
    place = Place(app, str(tmp_path))
    place.home.mkdir(exist_ok=True)
    made = Beside(place)
    monkeypatch.setattr(lock, "LOCKS", tmp_path / "run/locks")
    monkeypatch.setattr(drill, "Beside", lambda *_words: made)
    monkeypatch.setattr(drill, "Repository", lambda _place: type("R", (), {"snapshots": lambda _self: [SNAPSHOT]})())
    monkeypatch.setattr(drill.choice, "manifest", lambda *_words: MANIFEST)
    monkeypatch.setattr(App, "is_complete", lambda _self, release: release == "r1")
    monkeypatch.setattr(App, "current", lambda _self: "r2")
    return made


def test_a_proof(beside):
    run = drill.drill(beside.place)
    assert (run["result"], run["restore"], run["tables"], run["rows"], run["bytes"]) == ("ok", 3.1, 2, 11, 7)
    assert (run["snapshot"], run["backup"], run["release"]) == ("1f0c8d2e", "2026-11-26T02:41:07Z", "r1")
    assert beside.asked == ("r1", {"default": {"NAME": "shop-copy-drill"}})
    assert beside.removed == 1
    assert drill_record.read("shop", beside.place.directory)["success"] == run
    assert "restored in 3.1 s (7 bytes), 2 tables have the 11 rows" in drill.said(run)
    assert "release r1 has no migration that it lacks" in drill.said(run)


def test_a_backup_that_lacks_migrations_of_its_own_release(beside):
    beside.lacking = ["shop.0002_x"]
    run = drill.drill(beside.place)
    assert run["result"] == "failed"
    assert "release r1, which was served, has migrations that it lacks: shop.0002_x" in run["problem"]
    assert beside.removed == 1


def test_a_release_that_is_gone(beside, monkeypatch):
    """The one that is served takes its place. It may have more migrations, which a restore applies."""
    monkeypatch.setattr(App, "is_complete", lambda _self, release: False)
    beside.lacking = [f"shop.000{number}_x" for number in range(7)]
    run = drill.drill(beside.place)
    assert (run["result"], run["release"], run["recorded"]) == ("ok", "r2", "r1")
    assert "r2 (that of the backup, r1, is not on the host any more) would apply shop.0000_x" in drill.said(run)
    assert "and 2 more" in drill.said(run)


def test_a_database_without_migrations_is_not_asked(beside):
    beside.copies[0].rows = {"public.other": 1}
    assert drill.drill(beside.place)["result"] == "ok"
    assert not hasattr(beside, "asked")


def test_a_failure(beside):
    beside.failures = ["no room"]
    run = drill.drill(beside.place)
    assert (run["result"], run["problem"], beside.made, beside.removed) == ("failed", "no room", 1, 1)
    assert drill_record.read("shop", beside.place.directory)["success"] is None


def test_a_backup_meanwhile_may_have_removed_the_snapshot(beside, monkeypatch):
    beside.failures = ["no such snapshot"]
    last = {"last": {"began": "2999-01-01T00:00:00Z"}}
    monkeypatch.setattr(drill.backup_record, "read", lambda *_words: last)
    assert drill.drill(beside.place)["result"] == "ok"
    assert beside.made == 2


def test_a_copy_that_stays_is_a_failure(beside, monkeypatch):
    def remove():
        raise BackupError("in the way")

    monkeypatch.setattr(beside, "remove", remove)
    run = drill.drill(beside.place)
    assert (run["result"], run["problem"]) == ("failed", "The copy stays: in the way")
