"""A failed release is rolled back, and errors of the rollback do not hide the first error."""

from __future__ import annotations

import errno
import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import activation
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core import files

RECORD = {"health": {"host": "", "path": "/", "status": [], "timeout": 1}, "check": "", "migrations": []}
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def switch(tmp_path, monkeypatch):
    """The switch from `old` to `new`, right before it; the health check of `new` fails."""
    calls = []

    def run(argv, **_options):
        calls.append(" ".join(argv))
        return 0, "", ""

    app = App("shop", str(tmp_path))
    for name in ("old", "new"):
        os.makedirs(app.release(name))
        record = RECORD | {"known_migrations": [], "units": {}}
        for file, content in (("release.json", json.dumps(record)), (".complete", "")):
            with open(os.path.join(app.release(name), file), "w", encoding="ascii") as written:
                written.write(content)
    os.symlink("releases/old", app.link)
    os.mkdir(tmp_path / "units")
    monkeypatch.setattr(activation, "wait_until_empty", lambda *_words, **_options: None)
    tools = Tools(run, {})
    made = activation.Switch(tools, Units(tools, app, str(tmp_path / "units")), "new")
    monkeypatch.setattr(made.health, "wait", lambda: None)
    monkeypatch.setattr(made.health, "watch", lambda: None)
    made.calls = calls
    return made


def fail(*_arguments):
    raise FULL


def failure(switch):
    with pytest.raises(ReleaseError) as failed:
        switch.run()
    return str(failed.value)


def test_an_error_of_the_rollback_does_not_hide_the_first_error(switch, monkeypatch):
    def unhealthy():
        monkeypatch.setattr(switch.units, "write", fail)
        monkeypatch.setattr(os, "rename", fail)
        raise ReleaseError("it answers 500")

    monkeypatch.setattr(switch.health, "wait", unhealthy)
    said = failure(switch)
    assert "it answers 500" in said.splitlines()[0]
    assert "The rollback failed in part: [Errno 28] No space left on device" in said
    assert "The candidate was removed, because it could not be moved" in said
    assert "systemctl stop shop-web@new.socket shop-web@new.service" in switch.calls


def test_a_link_that_cannot_be_restored_keeps_its_release(switch, monkeypatch):
    def processes():
        monkeypatch.setattr(files, "point", fail)
        raise ReleaseError("unit shop-worker.service does not stay up.")

    monkeypatch.setattr(switch, "_restart_processes", processes)
    said = failure(switch)
    assert "unit shop-worker.service does not stay up." in said.splitlines()[0]
    assert f"{switch.app.link} still points to release new: [Errno 28]" in said
    assert switch.app.is_complete("new")
    assert not any(call.startswith("systemctl stop") for call in switch.calls)


def test_removing_the_mark_frees_space_for_the_link(switch, monkeypatch):
    seen = []

    def processes():
        monkeypatch.setattr(files, "point", lambda *_arguments: seen.append(switch.app.was_served("new")))
        raise ReleaseError("no")

    monkeypatch.setattr(switch, "_restart_processes", processes)
    failure(switch)
    assert seen == [False]


def journal(*messages):
    """What journalctl prints with --output=json."""
    return "".join(json.dumps({"__CURSOR": text, "MESSAGE": text}) + "\n" for text in messages)


def test_the_journal_of_a_failed_process_is_explained_without_secrets(switch, monkeypatch):
    """A rollback knows the secrets of a release only from its environment."""
    with open(os.path.join(switch.app.release("new"), "env"), "w", encoding="ascii") as file:
        file.write('API_KEY="s3cr3t"\n')

    def processes():
        switch.failing_unit = "shop-worker.service"
        raise ReleaseError("unit shop-worker.service did not keep running.")

    def read(argv, **_options):
        lines = ["login with s3cr3t", "OSError: [Errno 30] Read-only file system: '/var/spool/x'"]
        return 0, journal(*lines) if "--unit=shop-worker.service" in argv else "", ""

    monkeypatch.setattr(switch, "_restart_processes", processes)
    monkeypatch.setattr(switch.tools, "_run_command", read)
    said = failure(switch)
    assert "login with ********" in said
    assert "The sandbox refused to write '/var/spool/x'" in said


def test_a_package_that_a_process_misses_gets_its_remedy(switch, monkeypatch):
    """Django's web processes run without a client of the worker's broker."""

    def processes():
        switch.failing_unit = "shop-worker.service"
        raise ReleaseError("unit shop-worker.service did not keep running.")

    said = journal("ModuleNotFoundError: No module named 'packaging'")
    monkeypatch.setattr(switch, "_restart_processes", processes)
    monkeypatch.setattr(switch.tools, "_run_command", lambda *_argv, **_options: (0, said, ""))
    assert "requirements: ['packaging']" in failure(switch)


def test_a_hundred_migrations_that_stay_are_counted():
    few = [f"shop.000{number}_x" for number in range(3)]
    assert activation.kept_migrations(few).endswith("shop.0000_x, shop.0001_x, shop.0002_x.")
    many = [f"shop.{number:04}_x" for number in range(90)] + ["auth.0001_initial"]
    assert activation.kept_migrations(many) == (
        "The 91 migrations that it applied stay applied. They are of the apps shop, auth."
    )


def test_a_caller_can_restore_the_previous_release_itself(switch, monkeypatch):
    """With its database: until then, nothing of it may start."""
    switch.rolls_back, switch.record = False, RECORD | {"migrations": ["shop.0002"]}
    monkeypatch.setattr(switch, "_restart_processes", fail)
    said = failure(switch)
    assert "stay applied" not in said
    assert switch.app.current() == "new"
    assert not any(call.startswith(("systemctl stop", "systemctl restart")) for call in switch.calls)


def test_the_time_for_waiting_connections_begins_at_the_switch(switch, monkeypatch):
    """What the caller does meanwhile takes nothing longer, and the previous release is stopped after it."""
    now, order = [100.0], []
    monkeypatch.setattr(activation.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(activation, "retire", lambda *_words: order.append("retire"))

    def wait(_tools, app, current, *, since, limit):
        order.append((app.name, current, since, limit))

    def meanwhile():
        now[0] += 3.0
        order.append("meanwhile")

    monkeypatch.setattr(activation, "wait_until_empty", wait)
    switch.meanwhile = meanwhile
    switch.run()
    assert order == ["meanwhile", ("shop", "new", 100.0, activation.QUEUE_SECONDS), "retire"]


def test_connections_to_a_release_that_failed_may_wait_too(switch, monkeypatch):
    waited = []
    monkeypatch.setattr(activation, "wait_until_empty", lambda *words, **options: waited.append((words[2], options)))
    monkeypatch.setattr(switch, "_restart_processes", fail)
    failure(switch)
    assert [(current, options["limit"]) for current, options in waited] == [("old", activation.FAILED_QUEUE_SECONDS)]


def test_the_previous_release_is_stopped_whatever_happens_meanwhile(switch, monkeypatch):
    retired = []
    monkeypatch.setattr(activation, "retire", lambda *_words: retired.append(True))
    switch.meanwhile = fail
    with pytest.raises(OSError, match="No space left"):
        switch.run()
    assert retired == [True]


def test_a_deployment_stops_what_a_killed_drain_has_left(switch, monkeypatch):
    stopped = []
    monkeypatch.setattr(activation.stop_units, "stop", lambda _tools, units, _files: stopped.append(units.app.name))
    switch._restart_processes()
    assert stopped == []
    switch.units.is_drained = True
    switch._restart_processes()
    assert stopped == ["shop"]
