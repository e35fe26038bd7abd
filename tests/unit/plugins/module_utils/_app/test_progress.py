"""The file with the phase of a run."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.progress import Progress
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools


def test_each_phase_is_shown_until_the_end(tmp_path):
    progress = Progress("shop", "a1", tmp_path / "run/phases")
    tools = Tools(lambda *_arguments, **_options: (0, "", ""), {}, enter=progress.enter)
    with tools.phase("source"):
        shown = json.loads(progress.path.read_text())
    assert (progress.path.name, shown["phase"], shown["after"] < 1) == ("shop.a1", "source", True)
    assert progress.path.stat().st_mode & 0o777 == 0o644
    tools.enter("prepare")
    assert json.loads(progress.path.read_text())["phase"] == "prepare"
    progress.end()
    assert os.listdir(tmp_path / "run/phases") == []


def test_runs_of_an_app_do_not_disturb_each_other(tmp_path):
    working, waiting = (Progress("shop", run, tmp_path) for run in ("a1", "b2"))
    working.enter("source")
    waiting.enter("lock")
    assert json.loads(working.path.read_text())["phase"] == "source"
    waiting.end()
    assert working.path.exists()


def test_the_file_of_a_run_that_was_killed_is_removed(tmp_path):
    killed = Progress("shop", "a1", tmp_path)
    killed.enter("source")
    os.utime(killed.path, (1, 1))
    Progress("shop", "b2", tmp_path).enter("source")
    assert os.listdir(tmp_path) == ["shop.b2"]


def test_a_run_without_an_identifier_shows_nothing(tmp_path):
    progress = Progress("shop", "", tmp_path / "phases")
    progress.enter("source")
    progress.end()
    assert not (tmp_path / "phases").exists()


def test_a_run_does_not_fail_for_it(tmp_path):
    (tmp_path / "phases").touch()
    progress = Progress("shop", "a1", tmp_path / "phases")
    progress.enter("source")
    progress.end()
    assert (tmp_path / "phases").read_text() == ""


def test_an_error_has_the_seconds_of_the_phases():
    tools = Tools(lambda *_arguments, **_options: (0, "", ""), {})
    assert tools.durations() == ""
    with pytest.raises(ReleaseError), tools.phase("check"):
        raise ReleaseError("no")
    assert tools.durations() == "Seconds: check 0.0.\n"


def test_a_full_file_system_leaves_no_file(tmp_path, monkeypatch):
    progress = Progress("shop", "a1", tmp_path)

    def fail(*_arguments):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    progress.enter("source")
    assert os.listdir(tmp_path) == [".shop.a1"]
    progress.end()
    assert os.listdir(tmp_path) == []
