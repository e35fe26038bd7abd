"""The releases and units of an app on a host."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import layout
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools


@pytest.fixture
def app(tmp_path):
    app = layout.App("shop", str(tmp_path))
    os.makedirs(app.releases)
    return app


def release(app, name, activated=None, complete=True):
    path = app.release(name)
    os.mkdir(path)
    for mark in [".complete"] * complete + [".activated"] * (activated is not None):
        with open(os.path.join(path, mark), "w", encoding="utf-8"):
            pass
        os.utime(os.path.join(path, mark), (activated or 0, activated or 0))


def answering(answers):
    """Tools whose commands answer by their second word."""
    return Tools(lambda argv, **_options: answers.get(argv[1], (0, "", "")), {})


def test_a_fresh_host(tmp_path):
    app = layout.App("shop", str(tmp_path))
    assert (app.current(), app.is_complete(""), app.prunable_releases("", 5)) == ("", False, [])


def test_the_oldest_releases_are_pruned_first(app):
    for number in range(1, 6):
        release(app, f"r{number}", activated=number)
    os.symlink("releases/r5", os.path.join(app.home, "current"))
    assert app.prunable_releases("r5", 3) == ["r1", "r2"]


def test_the_rollback_target_is_kept(app):
    release(app, "old", activated=1)
    for number in range(2, 6):
        release(app, f"r{number}", activated=number)
    os.symlink("releases/old", os.path.join(app.home, "current"))
    assert app.prunable_releases("new", 2) == ["r2", "r3", "r4", "r5"]


def test_unfinished_releases_are_never_kept(app):
    release(app, "r1", activated=1)
    release(app, "half", complete=False, activated=9)
    os.symlink("releases/r1", os.path.join(app.home, "current"))
    assert app.prunable_releases("r1", 5) == ["half"]


def test_stopping_and_failed_units_are_not_active(app):
    listed = (
        "shop-web@a.service loaded active running Web\n"
        "shop-web@b.service loaded deactivating stop-sigterm Web\n"
        "shop-web@c.socket loaded failed failed Socket\n"
        "shop-web@d.service loaded inactive dead Web\n"
    )
    tools = answering({"list-units": (0, listed, "")})
    assert layout.active_units(tools, app) == ["shop-web@a.service"]


def test_rollback_targets_start_with_the_one_served_last(app):
    for number in range(1, 5):
        release(app, f"r{number}", activated=number)
    release(app, "never-served")
    os.symlink("releases/r3", os.path.join(app.home, "current"))
    assert app.rollback_targets() == ["r4", "r2", "r1"]


def test_a_record_that_cannot_be_read_names_its_file(app):
    release(app, "r1")
    with pytest.raises(ReleaseError, match=r"r1/release\.json' is damaged"):
        app.record("r1")


@pytest.mark.parametrize("text", ["[]", "null", "1", "{", "{}", '{"units": {}, "health": []}', '{"health": null}'])
def test_a_damaged_record_is_no_defect(app, text):
    release(app, "r1")
    with open(os.path.join(app.release("r1"), "release.json"), "w", encoding="utf-8") as file:
        file.write(text)
    with pytest.raises(ReleaseError, match=r"r1/release\.json' is damaged \(.*\): remove that release"):
        app.record("r1")
    assert (app.revision("r1"), app.configuration("r1")) == ("", "")
    os.symlink("releases/r1", os.path.join(app.home, "current"))
    with pytest.raises(ReleaseError, match="it is served, so deploy another revision, then remove that release"):
        app.record("r1")


def test_migrations_between_releases(app):
    for name, known in (("old", ["shop.0001"]), ("new", ["shop.0001", "shop.0002"])):
        release(app, name)
        record = {"units": {}, "health": {}, "migrations": [], "known_migrations": known, "check": ""}
        with open(os.path.join(app.release(name), "release.json"), "w", encoding="utf-8") as file:
            json.dump(record, file)
    assert (app.migrations_between("old", "new"), app.migrations_between("new", "old")) == (["shop.0002"], [])


@pytest.mark.parametrize(("before", "words"), [("r1", "r1 is served, as before."), ("r0", "r1 is served.")])
def test_an_error_ends_with_what_is_served(app, before, words):
    os.symlink("releases/r1", os.path.join(app.home, "current"))
    assert app.state_of_service(before) == f"State of the host: {words}"
