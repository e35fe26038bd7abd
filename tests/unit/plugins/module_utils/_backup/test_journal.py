"""The exchange of the live data by the restored ones, which a kill can interrupt between any two steps."""

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import journal, postgresql
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import Place
from ansible_collections.gatehouse.django.plugins.module_utils._core.tree import UntrustedEntry


@pytest.fixture
def app(tmp_path):
    app = App("shop", str(tmp_path / "srv"))
    for place, text in (("data", "old"), ("before/data", "new")):
        os.makedirs(f"{app.home}/{place}")
        with open(f"{app.home}/{place}/file", "w", encoding="utf-8") as file:
            file.write(text)
    return app


def text(app, *names):
    with open(os.path.join(app.home, *names), encoding="utf-8") as file:
        return file.read()


def move(app, live=("data",), staged=("before", "data")):
    return journal.Move([*live], [*staged], os.stat(os.path.join(app.home, *staged)).st_ino)


@pytest.fixture
def databases(monkeypatch):
    """The databases of a server, with what they contain."""
    found = {"shop": "old", "shop_restored": "new"}

    def exchange(name, aside, instead, *, keep):
        assert keep is (aside != "shop_restored")
        found[aside], found[name] = found.pop(name), found.pop(instead)

    monkeypatch.setattr(postgresql, "names", lambda: list(found))
    monkeypatch.setattr(postgresql, "exchange", exchange)
    return found


def test_a_directory_is_exchanged_once(app):
    one = move(app)
    for _time in range(2):
        one.run(app, back=False)
        assert one.is_done(app)
        assert (text(app, "data/file"), text(app, "before/data/file")) == ("new", "old")
    for _time in range(2):
        one.run(app, back=True)
        assert not one.is_done(app)
        assert (text(app, "data/file"), text(app, "before/data/file")) == ("old", "new")


def test_a_file_that_is_not_there_is_moved(app):
    one = move(app, ("data", "db.sqlite3"), ("before", "data", "file"))
    one.run(app, back=False)
    assert text(app, "data/db.sqlite3") == "new"
    assert not os.path.exists(f"{app.home}/before/data/file")


def test_no_link_of_the_app_is_followed(app, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", f"{app.home}/data/sub")
    one = move(app, ("data", "sub", "file"), ("before", "data", "file"))
    with pytest.raises(UntrustedEntry):
        one.run(app, back=False)
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("done", [0, 1, 2])
@pytest.mark.parametrize("back", [False, True])
def test_what_was_interrupted_ends_as_one(app, databases, tmp_path, done, back):
    note = journal.Journal(
        "1f0c8d2e", "r1", "before", [move(app)], [journal.Rename("shop", "shop_restored", "shop_old")]
    )
    place = Place(app, str(tmp_path / "state"))
    os.makedirs(place.home)
    note.write(place)
    for step in note._steps()[:done]:
        step.run(app, back=False)
    read = journal.read(place)
    assert read == note
    assert read.is_begun(app) == (done > 0)
    read.exchange(app, back=back)
    wanted = "old" if back else "new"
    assert (text(app, "data/file"), databases["shop"]) == (wanted, wanted)


def test_no_journal(app, tmp_path):
    assert journal.read(Place(app, str(tmp_path))) is None
