"""What a copy may cost, and what a copy says."""

import os
import pwd
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.scratch import Scratch
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.copies import Copy
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.copying import Copying

SERVER = Copy(
    Database("default", "postgresql", "shop", "", "", "", ""), ("default",), "rehearsal", "shop-copy-rehearsal"
)


@pytest.fixture
def directory(tmp_path, monkeypatch):
    found = SimpleNamespace(pw_uid=os.getuid(), pw_gid=os.getgid())
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: found)
    return tmp_path / "rehearsal"


def copying(directory, run):
    os.makedirs(directory, exist_ok=True)
    tools = Tools(run, {})
    return Copying(tools, App("shop"), str(directory), "unit", Scratch("shop-copy", tools.attempt))


def file_copy(tmp_path, directory):
    live = tmp_path / "db.sqlite3"
    live.write_text("live")
    return Copy(
        Database("default", "sqlite", str(live), str(live), "", "", ""),
        ("default",),
        "rehearsal",
        f"{directory}/data/db",
    )


@pytest.mark.parametrize("kind", ["file", "link", "hard link"])
def test_only_a_file_of_its_own_is_taken(tmp_path, directory, kind):
    """The process that copies has the rights of the app."""

    def run(argv, **_options):
        new = argv[-1]
        if kind == "file":
            open(new, "w", encoding="utf-8").close()
        else:
            (os.symlink if kind == "link" else os.link)(tmp_path / "db.sqlite3", new)
        return 0, "", ""

    copy = file_copy(tmp_path, directory)
    if kind == "file":
        assert copying(directory, run).make(copy) == ""
        assert os.listdir(directory) == ["data"]
    else:
        with pytest.raises(ReleaseError, match="is not a file of its own"):
            copying(directory, run).make(copy)
        assert not os.path.lexists(copy.where)
    assert (tmp_path / "db.sqlite3").read_text() == "live"


def test_a_database_that_is_too_large_is_not_copied(directory):
    def run(argv, **_options):
        assert "pg_dump" not in argv
        return 0, f"{1 << 60}|{directory}\n", ""

    with pytest.raises(
        ReleaseError, match=r"can need \d+ bytes, and .* has \d+ for it\. A full file system would harm"
    ):
        copying(directory, run).make(SERVER)


@pytest.mark.parametrize(
    ("output", "applied"),
    [
        ('[["shop", "0001_initial"], ["queue", "0002"]]', {"shop.0001_initial", "queue.0002"}),
        ("null", set()),
        ("no json", set()),
        ("[1]", set()),
    ],
)
def test_the_record_of_migrations_is_read_as_the_user_of_copies(directory, output, applied):
    calls = []

    def run(argv, **_options):
        calls.append(argv[:2])
        return 0, output, ""

    assert copying(directory, run).applied(SERVER) == applied
    assert calls == [["runuser", "--user=shop-copy"]]
