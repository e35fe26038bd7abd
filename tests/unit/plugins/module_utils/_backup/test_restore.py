"""A restore whose exchange fails: either the data of before are live, or the same command finishes it."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.restore import Restore


def test_only_units_of_the_app_are_reset():
    """The units of an app `shop-two` match the pattern `shop-*`, too."""
    commands = []
    units = SimpleNamespace(
        app=SimpleNamespace(name="shop", current=lambda: "one", unit=lambda id, kind: f"shop-web@{id}.{kind}"),
        on_host=dict,
        processes=lambda _files: ["shop-worker.service"],
        timers=lambda _files: ["shop-daily.timer"],
    )
    Restore(SimpleNamespace(attempt=commands.append, run=commands.append), units, None).start()
    reset = next(one for one in commands if one[1] == "reset-failed")
    assert sorted(reset[2:]) == [
        "shop-daily.timer",
        "shop-web.service",
        "shop-web@one.service",
        "shop-web@one.socket",
        "shop-worker.service",
    ]


def test_what_is_kept_and_how_it_is_removed():
    restore = Restore(None, SimpleNamespace(app=SimpleNamespace(home="/srv/shop")), None)
    note = SimpleNamespace(renames=[SimpleNamespace(kept="shop_before_1")], moves=["data"], stage="before-restore-1")
    assert restore.kept(note) == ["database shop_before_1", "/srv/shop/before-restore-1"]
    assert restore.removal(note) == [
        "runuser -u postgres -- dropdb shop_before_1",
        "rm -r /srv/shop/before-restore-1",
    ]
    note.moves = []
    assert restore.kept(note) == ["database shop_before_1"]
    assert restore.removal(note) == ["runuser -u postgres -- dropdb shop_before_1"]


@pytest.mark.parametrize("moves", [[], ["data"]])
def test_a_directory_without_former_files_is_removed(moves, tmp_path, monkeypatch):
    app = App("shop", str(tmp_path))
    stage = Path(app.home, "before-restore-1")
    (stage / "databases").mkdir(parents=True)
    (tmp_path / "state/shop").mkdir(parents=True)
    restore = Restore(
        SimpleNamespace(phase=lambda _name: nullcontext()),
        SimpleNamespace(app=app),
        Place(app, str(tmp_path / "state")),
    )
    for name in ("_exchange", "_migrate"):
        monkeypatch.setattr(restore, name, lambda _note: None)
    monkeypatch.setattr(restore, "start", lambda: None)
    restore._finish(SimpleNamespace(is_undone=False, moves=moves, stage=stage.name), was_healthy=False)
    assert stage.exists() == bool(moves)


class Note:
    """A journal whose exchange fails, after a part of it if *is_begun*."""

    def __init__(self, is_begun):
        self.begun = is_begun

    def exchange(self, _app):
        raise BackupError("database is being accessed by other users")

    def is_begun(self, _app):
        return self.begun


@pytest.mark.parametrize(
    ("is_begun", "said"), [(False, "Nothing was exchanged: the data of before are live"), (True, "it finishes the ")]
)
def test_the_app_is_started_again_unless_a_part_is_exchanged(is_begun, said, monkeypatch):
    restore = Restore(SimpleNamespace(phase=lambda _name: nullcontext()), SimpleNamespace(app=None), None)
    discarded = []
    monkeypatch.setattr(restore, "_discard", discarded.append)
    note = Note(is_begun)
    with pytest.raises(BackupError, match=f"(?s)accessed by other users.*{said}"):
        restore._exchange(note)
    assert discarded == ([] if is_begun else [note])
