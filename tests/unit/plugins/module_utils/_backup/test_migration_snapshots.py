"""Which snapshots are kept, which one is taken for a rollback, and what is said of it."""

import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup import migration_snapshots, way_back_plan


def release(app, name, migrations, served):
    os.makedirs(app.release(name))
    record = {"units": {}, "health": {}, "migrations": [], "known_migrations": migrations, "check": ""}
    for file, text in (("release.json", json.dumps(record)), (".complete", ""), (".activated", "")):
        path = os.path.join(app.release(name), file)
        with open(path, "w", encoding="utf-8") as written:
            written.write(text)
        os.utime(path, (served, served))


def snapshot(app, number, before, already=(), **more):
    path = os.path.join(app.snapshots, f"20261126T18000{number}Z")
    os.makedirs(path)
    databases = [{"alias": "default", "vendor": "sqlite", "writes": {"rows": {"cart": 1}}}]
    manifest = {"before": before, "began": f"2026-11-26T18:00:0{number}Z", "migrations": ["shop.2"], "applied": []}
    manifest |= {"already": [*already], "databases": databases, "left_out": []}
    with open(os.path.join(path, "manifest.json"), "w", encoding="utf-8") as file:
        json.dump(manifest | more, file)


@pytest.fixture
def app(tmp_path):
    """Two releases; the one that is served has migrated."""
    app = App("shop", str(tmp_path))
    release(app, "one", ["shop.1"], 1)
    release(app, "two", ["shop.1", "shop.2"], 2)
    os.symlink("releases/two", app.link)
    return app


def kept(app):
    migration_snapshots.prune(app)
    return [name[-2] for name in sorted(os.listdir(app.snapshots))]


def test_a_release_keeps_its_newest_snapshot(app):
    for number, before in enumerate(["gone", "one", "one", "two", "two"]):
        snapshot(app, number, before)
    assert kept(app) == ["2", "4"]


def test_a_release_keeps_the_last_one_from_before_migrations_that_it_does_not_know(app):
    snapshot(app, 0, "one")
    snapshot(app, 1, "one")
    snapshot(app, 2, "one", already=["shop.2"])
    snapshot(app, 3, "one", already=["shop.2"])
    assert kept(app) == ["1", "3"]


def test_one_that_is_not_complete_goes(app):
    os.makedirs(f"{app.snapshots}/20261126T180000Z")
    os.makedirs(f"{app.snapshots}/.gatehouse")
    assert kept(app) == []


def target(app, wanted="previous"):
    return way_back_plan.target_of(app, wanted)


def test_the_release_before_and_its_newest_snapshot(app):
    snapshot(app, 0, "one")
    snapshot(app, 1, "one", already=["shop.2"])
    assert target(app) == "one"
    assert way_back_plan.choose(app, "one", "newest").id == "20261126T180001Z"
    assert way_back_plan.choose(app, "one", "20261126T180000Z").id == "20261126T180000Z"


def test_the_release_that_is_served_stays_after_a_deployment_that_failed(app):
    snapshot(app, 0, "one")
    snapshot(app, 1, "two")
    assert target(app) == "two"
    assert way_back_plan.choose(app, "two", "newest").id == "20261126T180001Z"
    assert target(app, "one") == "one"


def test_without_a_snapshot_those_that_there_are_are_named(app):
    with pytest.raises(ReleaseError, match=r"no snapshot of the databases as release one had them\. The host has none"):
        way_back_plan.choose(app, "one", "newest")
    snapshot(app, 0, "two")
    with pytest.raises(ReleaseError, match=r"no snapshot '20261126T180009Z'.*20261126T180000Z for release two"):
        way_back_plan.choose(app, "one", "20261126T180009Z")


def test_a_release_with_the_same_migrations_needs_none(app):
    release(app, "three", ["shop.1", "shop.2"], 3)
    snapshot(app, 0, "three")
    with pytest.raises(ReleaseError, match="knows all migrations of the release that is served"):
        way_back_plan.choose(app, "three", "newest")


def test_a_second_run_does_nothing(app):
    """It must not go one release further back."""
    snapshot(app, 0, "two", restored="2026-11-26T18:00:05Z")
    chosen = way_back_plan.choose(app, target(app), "newest")
    assert way_back_plan.is_done(app, "two", chosen)
    assert not way_back_plan.is_done(app, "one", chosen)
    snapshot(app, 6, "two")
    assert not way_back_plan.is_done(app, "two", way_back_plan.choose(app, "two", "newest"))


def explain(app, now=2, confirm="", **more):
    snapshot(app, 0, "one", **more)
    chosen = way_back_plan.choose(app, "one", "newest")
    return way_back_plan.explain(app, "one", chosen, {"default": {"rows": {"cart": now}}}, confirm)


def test_it_is_said_what_would_be_lost(app):
    said = explain(app)
    for words in (
        "Would put release one into service, with its databases as they were at 2026-11-26 18:00:00 UTC",
        "before the migrations shop.2.",
        "Would lose what was written to DATABASES['default'] since then:\n  cart: 1 more rows",
        "To do it, add -e confirm=shop. Nothing was changed.",
    ):
        assert words in said


def test_what_the_deployment_wrote_is_told_apart(app):
    said = explain(app, now=5, after={"default": {"rows": {"cart": 3}}})
    assert "since the deployment:\n  cart: 2 more rows" in said
    assert "by the deployment or by visitors:\n  cart: 2 more rows" in said


def test_only_the_name_of_the_app_confirms(app):
    assert explain(app, confirm="shop") == ""
    os.rename(app.snapshots, f"{app.snapshots}-old")
    assert explain(app, confirm="blog").startswith("'blog' was confirmed, but this is the app 'shop'. Would put")
