"""The steps on a host: only the run that began them or has taken them over, and the release that it returns to."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup import far_plan, journal
from ansible_collections.gatehouse.django.plugins.module_utils._backup.far_steps import FarSteps, release_like
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError

APP = SimpleNamespace(current=lambda: "ccc-11", rollback_targets=lambda: ["bbb-12", "bbb-11", "aaa-11"])
APP.configuration = {"bbb-12": "c2", "bbb-11": "c1"}.get


@pytest.mark.parametrize(
    ("release", "is_served", "found"),
    [("bbb-11", False, "bbb-11"), ("bbb-13", False, "bbb-12"), ("aaa-13", False, "aaa-11"), ("ccc-13", True, "ccc-11")],
)
def test_the_release_of_the_same_source(release, is_served, found):
    assert release_like(APP, release, "", is_served=is_served) == found
    assert release_like(APP, release, "other", is_served=is_served) == found


def test_the_release_of_the_same_configuration():
    assert release_like(APP, "bbb-13", "c1", is_served=False) == "bbb-11"


@pytest.mark.parametrize(("release", "is_served"), [("ddd-11", False), ("ccc-11", False), ("bbb-11", True)])
def test_a_host_without_it_is_refused(release, is_served):
    with pytest.raises(ReleaseError, match=r"this host .* the source of .* Nothing was changed"):
        release_like(APP, release, "c1", is_served=is_served)


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A run that has begun and was killed, ten minutes ago."""
    place = SimpleNamespace(home=tmp_path)
    note = journal.Journal("20261126T180102Z", "bbb-11", "stage", server="db1", kept="kept", owner="first")
    note.write(place)
    monkeypatch.setattr(far_plan, "Place", lambda _app: place)
    path = Path(journal.path(place))
    os.utime(path, (time.time() - 600,) * 2)
    steps = FarSteps(None, SimpleNamespace(app=SimpleNamespace(name="shop")), place)
    steps.kept_name, steps.owner = "kept", "other"
    return steps


def test_a_run_takes_over_one_that_was_killed(work):
    with pytest.raises(BackupError, match="Another run has ended this one"):
        work.go_on()
    assert not work.is_begun
    work.take()
    assert work.is_begun
    work.owner = "first"
    for step in (work.halt, work.go_on, lambda: work.load({})):
        with pytest.raises(BackupError, match="Another run has ended this one"):
            step()
    assert work.end() == []
    work.halt_again()
    work.discard()
    assert journal.read(work.place).owner == "other"


def test_a_run_whose_last_step_ended_just_now_is_not_taken_over(work):
    os.utime(journal.path(work.place))
    with pytest.raises(BackupError, match=r"run the same command again in 1[12]\d s"):
        work.take()
    assert journal.read(work.place).owner == "first"


def test_a_step_that_works_is_busy(work, monkeypatch):
    assert far_plan.busy(work.app) == ""
    monkeypatch.setattr(far_plan, "is_held", lambda _name: True)
    assert "A step of it works now" in far_plan.busy(work.app)
