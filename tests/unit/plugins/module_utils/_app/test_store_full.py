"""Failed candidates on a full disk, and the order of served releases."""

from __future__ import annotations

import errno
import os
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import store
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError


@pytest.fixture
def app(tmp_path):
    """An app that serves the release `old`, with a candidate `new`."""
    app = App("shop", str(tmp_path))
    for name in ("old", "new"):
        os.makedirs(app.release(name))
        with open(os.path.join(app.release(name), ".complete"), "w", encoding="ascii") as mark:
            mark.write("x" * 5000)
    os.symlink("releases/old", app.link)
    os.mkdir(app.venvs)
    return app


def statvfs(blocks, inodes):
    """A file system with so many free blocks of 4 KiB, and so many inodes: all, and free ones."""
    fields = {"f_bavail": blocks, "f_frsize": 4096, "f_files": inodes[0], "f_favail": inodes[1]}
    return lambda _path: type("Found", (), fields)


def test_a_failed_candidate_is_kept(app):
    assert store.put_aside(app, "new") == f"The candidate is kept in {app.failed}/new for inspection."
    assert app.failures() == ["new"]


@pytest.mark.parametrize(
    ("blocks", "inodes", "left"),
    [(2, (9, 9), "0 MB left"), (9, (9, 1), "1 inodes left ('df --inodes')")],
)
def test_a_full_disk_keeps_no_failed_candidate(app, monkeypatch, blocks, inodes, left):
    os.makedirs(os.path.join(app.failed, "older"))
    monkeypatch.setattr(os, "statvfs", statvfs(blocks, inodes))
    assert (
        store.put_aside(app, "new") == f"The candidate was removed, because the file system of {app.home} has {left}."
    )
    assert (os.listdir(app.releases), app.failures()) == (["old"], [])


def test_a_file_system_without_a_number_of_inodes_is_not_full(app, monkeypatch):
    monkeypatch.setattr(os, "statvfs", statvfs(9, (0, 0)))
    assert store.shortage(app.home, app.release("new")) == ""


def test_a_candidate_that_cannot_be_moved_is_removed(app, monkeypatch):
    def rename(_source, _target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "rename", rename)
    said = store.put_aside(app, "new")
    assert (
        said == f"The candidate was removed, because it could not be moved to {app.failed}: Invalid cross-device link."
    )
    assert os.listdir(app.releases) == ["old"]


def test_a_candidate_that_cannot_be_removed_either_is_named(app, monkeypatch):
    def fail(*_arguments, **_options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "makedirs", fail)
    monkeypatch.setattr(store.tree, "remove_tree", fail)
    assert store.put_aside(app, "new").endswith(f" Remove {app.release('new')} by hand.")


def test_files_with_other_links_free_no_space(app):
    before = store.disk_usage(app.release("new"))
    os.link(os.path.join(app.release("old"), ".complete"), os.path.join(app.release("new"), "static.css"))
    assert store.disk_usage(app.release("new")) == before
    assert before[0] >= 5000
    assert before[1] == 1


@pytest.mark.parametrize("complete", [False, True])
def test_an_incomplete_environment_is_removed_with_its_candidate(app, monkeypatch, complete):
    venv = os.path.join(app.venvs, "0123")
    os.mkdir(venv)
    for path in (f"{venv}/module.py", *([venv + store.VENV_MARK] if complete else [])):
        with open(path, "w", encoding="ascii") as file:
            file.write("x" * 50000)
    before = store.disk_usage(app.release("new"))[0]
    os.symlink("../../venvs/0123", os.path.join(app.release("new"), "venv"))
    assert (store.disk_usage(app.release("new"))[0] > before + 50000) == (not complete)
    monkeypatch.setattr(os, "statvfs", statvfs(1, (0, 0)))
    store.put_aside(app, "new")
    assert os.listdir(app.venvs) == []


def test_the_release_served_last_is_the_newest_after_the_clock_was_set_back(app):
    tomorrow = time.time() + 86400
    store.mark_served(app, "old")
    os.utime(os.path.join(app.release("old"), ".activated"), (tomorrow, tomorrow))
    store.mark_served(app, "new")
    assert app.last_used("new") > app.last_used("old")
    store.mark_served(app, "old")
    assert app.last_used("old") > app.last_used("new")
    # What the wrong clock has left does not stay in the future.
    assert app.last_used("old") <= time.time()


def test_releases_keep_their_order_after_the_clock_was_set_back(app):
    ahead = time.time() + 3650 * 86400
    for number, age in enumerate((-ahead, 0, 60, 120)):
        os.makedirs(app.release(f"r{number}"))
        for mark in (".complete", ".activated"):
            with open(app.release(f"r{number}/{mark}"), "w", encoding="ascii"):
                pass
            os.utime(app.release(f"r{number}/{mark}"), (ahead + age, ahead + age))
    store.mark_served(app, "new")
    found = sorted(["r0", "r1", "r2", "r3", "new"], key=app.last_used)
    assert found == ["r0", "r1", "r2", "r3", "new"]
    assert app.last_used("r0") == 0
    assert "r0" in app.prunable_releases("new", 4)


def test_the_newest_failure_is_kept_after_the_clock_was_set_back(app):
    tomorrow = time.time() + 86400
    for name in ("a", "b", "c", "d"):
        os.makedirs(app.release(name))
    for name in ("a", "b"):
        store.put_aside(app, name)
        os.utime(os.path.join(app.failed, name), (tomorrow, tomorrow + (name == "b")))
    store.put_aside(app, "c")
    store.put_aside(app, "d")
    assert sorted(os.listdir(app.failed)) == ["c", "d"]
    assert max(app.failures(), key=lambda name: os.path.getmtime(os.path.join(app.failed, name))) == "d"


def test_an_old_release_that_cannot_be_removed_is_named(app, monkeypatch):
    def fail(path, **_options):
        raise OSError(errno.EBUSY, "Device or resource busy", path)

    for name in ("a", "b"):
        os.makedirs(app.release(name))
    monkeypatch.setattr(store.tree, "remove_tree", fail)
    with pytest.raises(
        ReleaseError, match=r"release old is served, but the old release .*/a cannot be removed: .*busy"
    ):
        store.prune(app, "old", 2)
