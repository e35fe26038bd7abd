"""Releases and virtual environments are kept and pruned."""

from __future__ import annotations

import os
import shutil

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import store
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree


@pytest.fixture
def app(tmp_path):
    app = App("shop", str(tmp_path))
    for path in (app.releases, app.venvs):
        os.makedirs(path)
    return app


def venv(app, name):
    os.makedirs(os.path.join(app.venvs, name, "lib"))
    with open(os.path.join(app.venvs, name) + store.VENV_MARK, "w", encoding="utf-8"):
        pass


def release(directory, name, environment):
    os.makedirs(os.path.join(directory, name))
    os.symlink(f"../../venvs/{environment}", os.path.join(directory, name, "venv"))


def test_used_environments_stay(app):
    for name in ("used", "failed", "unused"):
        venv(app, name)
    os.mkdir(os.path.join(app.venvs, "half"))
    release(app.releases, "abc-1", "used")
    release(app.failed, "abc-2", "failed")
    os.makedirs(os.path.join(app.releases, "abc-3", "venv"))
    store.prune_venvs(app)
    assert sorted(os.listdir(app.venvs)) == ["failed", "failed.complete", "used", "used.complete"]


@pytest.mark.parametrize(("limit", "left"), [(4096, []), (1 << 20, [".npm", "link", "uv"])])
def test_caches_that_are_too_large_are_emptied(app, monkeypatch, limit, left):
    monkeypatch.setattr(store, "CACHE_BYTES", limit)
    os.makedirs(os.path.join(app.cache, "uv", "archive"))
    os.makedirs(os.path.join(app.cache, ".npm"))
    for name in ("uv/archive/a.whl", ".npm/b"):
        with open(os.path.join(app.cache, name), "wb") as file:
            file.write(b"x" * 40_000)
    # What the building user may have put there.
    os.makedirs(os.path.join(app.home, "other"))
    os.symlink("../other", os.path.join(app.cache, "link"))
    store.prune_cache(app)
    assert sorted(os.listdir(app.cache)) == left
    assert os.path.isdir(os.path.join(app.home, "other"))


@pytest.mark.parametrize("before", [0.0, 1000.0])
def test_a_release_that_the_host_has_gone_back_from_is_not_the_previous_one(app, before):
    for number, name in enumerate(["served", "kept", "failed"], 2):
        os.makedirs(app.release(name))
        for mark in (".complete", ".activated"):
            with open(f"{app.release(name)}/{mark}", "w", encoding="ascii"):
                pass
            os.utime(f"{app.release(name)}/{mark}", (1000 * number, 1000 * number))
    os.symlink("releases/served", app.link)
    if not before:
        os.remove(f"{app.release('failed')}/.activated")
    else:
        os.utime(f"{app.release('failed')}/.activated", (before, before))
    last = app.last_served("failed")
    assert last == before
    store.mark_served(app, "failed")
    assert app.rollback_targets()[0] == "failed"
    store.restore_mark(app, "failed", last)
    # A release that was served at another time stays a target.
    assert app.rollback_targets() == (["kept", "failed"] if before else ["kept"])


def test_a_host_without_a_cache(app):
    store.prune_cache(app)
    assert not os.path.exists(app.cache)


def test_a_partial_environment_has_no_mark(app, monkeypatch):
    venv(app, "unused")

    def killed(path):
        assert os.listdir(app.venvs) == ["unused"]
        raise KeyboardInterrupt(path)

    monkeypatch.setattr(tree, "remove_tree", killed)
    with pytest.raises(KeyboardInterrupt):
        store.prune_venvs(app)


def test_a_mark_inside_of_an_environment_is_ignored(app):
    os.makedirs(os.path.join(app.venvs, "unused", ".complete", "x"))
    store.prune_venvs(app)
    assert os.listdir(app.venvs) == []


def test_a_deep_failed_release_is_removed(app):
    os.symlink("releases/old", app.link)
    for number in range(4):
        path = app.release(f"abc-{number}")
        os.mkdir(path)
        if number == 0:
            descriptor = os.open(path, os.O_RDONLY)
            for _level in range(1500):
                os.mkdir("d", dir_fd=descriptor)
                outer, descriptor = descriptor, os.open("d", os.O_RDONLY, dir_fd=descriptor)
                os.close(outer)
            os.close(descriptor)
        store.put_aside(app, f"abc-{number}")
        os.utime(os.path.join(app.failed, f"abc-{number}"), (number, number))
    assert sorted(app.failures()) == ["abc-2", "abc-3"]


def test_a_release_that_fails_again_replaces_its_failed_copy(app):
    os.symlink("releases/old", app.link)
    for content in ("one", "two"):
        os.mkdir(app.release("abc-1"))
        with open(os.path.join(app.release("abc-1"), content), "w", encoding="utf-8"):
            pass
        assert store.put_aside(app, "abc-1") == f"The candidate is kept in {app.failed}/abc-1 for inspection."
    assert os.listdir(os.path.join(app.failed, "abc-1")) == ["two"]


def test_a_failed_first_deployment_keeps_its_candidate(app):
    os.mkdir(app.release("abc-1"))
    said = store.put_aside(app, "abc-1")
    assert f"The candidate is kept in {app.failed}/abc-1 for inspection. The next deployment replaces it" in said
    assert (os.listdir(app.releases), app.failures()) == ([], ["abc-1"])


def test_a_release_in_which_a_process_works_stays(app, monkeypatch):
    for name in ("a", "b", "c", "d"):
        os.mkdir(app.release(name))
    monkeypatch.chdir(app.release("a"))
    store.prune(app, "d", 2)
    assert sorted(os.listdir(app.releases)) == ["a", "d"]
    monkeypatch.undo()
    shutil.rmtree(app.home)
