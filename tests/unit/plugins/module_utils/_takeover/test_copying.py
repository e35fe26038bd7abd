"""Copies of data: the programs, here without a change of user."""

from __future__ import annotations

import os
import sqlite3
import stat

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import copying
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.copies import Copy
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import Refused
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.settings import Process


@pytest.fixture
def copier(tmp_path, monkeypatch):
    monkeypatch.setattr(copying, "STATE", tmp_path / "state")
    monkeypatch.setattr(copying.grp, "getgrnam", lambda name: type("Group", (), {"gr_gid": os.getgid()}))
    monkeypatch.setattr(Process, "command", lambda self, *words: list(words))
    monkeypatch.setattr(copying.Copier, "_rights", lambda self, group: ("", ""))
    copier = copying.Copier(App("shop", str(tmp_path)), Process(os.getuid(), os.getgid(), (), "/", {}), "www-data")
    copier.begin()
    return copier


@pytest.fixture
def uploads(tmp_path):
    """The copy of a directory with a file in another one."""
    source, destination = tmp_path / "old media", tmp_path / "media"
    (source / "photos").mkdir(parents=True)
    (source / "photos" / "a b.txt").write_text("a")
    (source / "link").symlink_to("/etc/passwd")
    destination.mkdir(mode=0o750)
    return Copy(str(source), str(destination), 1), source, destination


def test_a_directory_is_copied_and_followed(copier, uploads):
    copy, source, destination = uploads
    copier.copy([copy], is_live=True)
    assert (destination / "photos" / "a b.txt").read_text() == "a"
    assert os.readlink(destination / "link") == "/etc/passwd"
    (source / "photos" / "a b.txt").unlink()
    (source / "photos" / "new.txt").write_text("new")
    copier.copy([copy], is_live=False)
    assert [path.name for path in (destination / "photos").iterdir()] == ["new.txt"]


def test_new_files_and_directories_are_for_nginxs_group(copier, uploads):
    copy, source, destination = uploads
    (source / "photos" / "a b.txt").chmod(0o600)
    (source / "photos").chmod(0o777)
    copier.copy([copy], is_live=True)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (destination, destination / "photos")]
    assert modes == [0o2750, 0o2750]
    assert stat.S_IMODE((destination / "photos" / "a b.txt").stat().st_mode) == 0o640


def test_a_directory_that_cannot_be_read_or_written(copier, tmp_path):
    for source, destination in ((tmp_path / "none", tmp_path), (tmp_path, tmp_path / "none")):
        with pytest.raises(Refused, match=r"Copying uploads: .* failed: "):
            copier.copy([Copy(str(source), str(destination), 1)], is_live=False)


def test_a_database_is_whole_while_another_process_writes(copier, tmp_path):
    source, destination = tmp_path / "old db", tmp_path / "db"
    destination.write_text("of the app")
    (tmp_path / "db-wal").write_text("of the app")
    with sqlite3.connect(source) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE note (name TEXT)")
        writer.execute("INSERT INTO note VALUES ('first')")
        writer.commit()
        copier.copy([Copy(str(source), str(destination), 1, "default")], is_live=True)
    assert not (tmp_path / "db-wal").exists()
    assert sqlite3.connect(destination).execute("SELECT name FROM note").fetchall() == [("first",)]
    assert stat.S_IMODE(destination.stat().st_mode) == 0o640
    assert list((tmp_path / "state" / "shop").iterdir()) == [tmp_path / "state" / "shop" / "uploads.snapshot"]


def test_a_database_that_cannot_be_read(copier, tmp_path):
    (tmp_path / "old").write_text("no database, but long enough to be one" * 100)
    with pytest.raises(Refused, match=r"Copying database 'default': .*file is not a database"):
        copier.copy([Copy(str(tmp_path / "old"), str(tmp_path / "db"), 1, "default")], is_live=False)


def test_who_reads_and_who_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(copying.grp, "getgrnam", lambda name: type("Group", (), {"gr_gid": 33}))
    monkeypatch.setattr(copying.accounts, "ids_of", lambda name: (900, 901))
    copier = copying.Copier(App("shop"), Process(5, 6, (7,), "/", {}), "www-data")
    assert copier._rights(33) == (
        "setpriv --reuid=5 --regid=6 --groups=7 --",
        "setpriv --reuid=900 --regid=33 --groups=901 --",
    )
    assert copier._rights(None)[1] == "setpriv --reuid=900 --regid=901 --groups=901 --"
