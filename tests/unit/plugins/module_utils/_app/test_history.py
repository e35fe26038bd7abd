"""The record of the changes of an app."""

from __future__ import annotations

import json
import os
import stat

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import history
from ansible_collections.gatehouse.django.plugins.module_utils._app.history import History


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "DIRECTORY", tmp_path / "gatehouse/history")
    return tmp_path / "gatehouse/history"


def test_a_change_is_recorded_with_its_result(directory):
    record = History("shop", "alice@laptop")
    with record.recorded("deploy", "old-1", "new-1") as event:
        event["revision"] = "f00"
        (running,) = record.read(is_running=True)
    (done,) = History("shop").read(is_running=False)
    assert (running["result"], done["result"]) == ("running", "ok")
    assert [done[key] for key in ("action", "before", "release", "revision", "by")] == [
        *("deploy", "old-1", "new-1", "f00", "alice@laptop")
    ]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(record.path.stat().st_mode) == 0o600


def test_a_failure_is_recorded_without_secrets():
    record = History("shop", conceal=lambda text: text.replace("s3cr3t", "********"))
    with pytest.raises(ValueError, match="s3cr3t"), record.recorded("rollback", "new-1", "old-1"):
        raise ValueError("s3cr3t \x1b[31m\nmore")
    (event,) = record.read(is_running=False)
    assert (event["result"], event["error"]) == ("failed", "******** \\x1b[31m")


def test_a_failure_with_a_traceback_is_recorded_with_its_exception():
    record = History("shop")
    frame = 'Traceback (most recent call last):\n  File "/site-packages/psycopg/connection.py", line 120, in connect\n'
    with pytest.raises(ValueError), record.recorded("deploy", "old-1", "new-1"):
        raise ValueError(f"phase 'plan': {frame}    raise last\ndjango.db.utils.OperationalError: refused\nmore")
    (event,) = record.read(is_running=False)
    assert event["error"] == "phase 'plan': django.db.utils.OperationalError: refused (psycopg/connection.py, line 120)"


def test_a_run_that_was_killed_is_interrupted():
    record = History("shop")
    with record.recorded("deploy", "", "new-1"):
        text = record.path.read_text()
    record.path.write_text(text)
    assert [event["result"] for event in record.read(is_running=True)] == ["running"]
    assert [event["result"] for event in record.read(is_running=False)] == ["interrupted"]
    with record.recorded("deploy", "", "new-1"):
        pass
    assert [json.loads(line)["result"] for line in record.path.read_text().splitlines()] == ["interrupted", "ok"]


def test_the_record_is_bounded(monkeypatch):
    monkeypatch.setattr(history, "KEPT", 3)
    for number in range(5):
        with History("shop").recorded("deploy", "", f"release-{number}"):
            pass
    assert [event["release"] for event in History("shop").read(is_running=False)] == [
        *("release-2", "release-3", "release-4")
    ]


def test_events_of_earlier_versions_have_no_note():
    record = History("shop")
    with record.recorded("deploy", "", "new-1") as event:
        event["note"] = "a snapshot"
    record.path.write_text(record.path.read_text() + record.path.read_text().replace(', "note": "a snapshot"', ""))
    assert [one["note"] for one in record.read(is_running=False)] == ["a snapshot", ""]


def test_damaged_lines_are_left_out(directory):
    record = History("shop")
    with record.recorded("deploy", "", "new-1"):
        pass
    record.path.write_text(f'{{"action": "deploy"}}\nnull\n{record.path.read_text()}\nnothing')
    assert len(record.read(is_running=False)) == 1


def test_a_record_that_cannot_be_written_does_not_fail_the_change(directory):
    directory.parent.mkdir()
    directory.touch()
    record = History("shop")
    with record.recorded("deploy", "", "new-1"):
        pass
    assert record.problem.startswith(f"The change was not recorded in {record.path}: ")


@pytest.mark.parametrize(
    ("environment", "user"), [({"SUDO_USER": "bob", "USER": "root"}, "bob"), ({"USER": "root"}, "root"), ({}, "root")]
)
def test_the_user_who_logged_in(monkeypatch, environment, user):
    monkeypatch.setattr(os, "environ", environment)
    assert history.login_user() == user
