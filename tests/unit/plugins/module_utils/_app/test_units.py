"""The unit files of an app on a host."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units, mark

MARK = mark("shop") + "\n"
WORKER, BEAT, JOB, TIMER = "shop-worker.service", "shop-beat.service", "shop-clean.service", "shop-clean.timer"


@pytest.fixture
def units(tmp_path):
    called = []

    def run(argv, **_options):
        called.append(argv)
        return 0, "", ""

    os.makedirs(tmp_path / "srv" / "shop")
    os.makedirs(tmp_path / "units")
    made = Units(Tools(run, {}), App("shop", str(tmp_path / "srv")), str(tmp_path / "units"))
    made.called = called
    return made


def files(units, *names, text=MARK):
    return {f"{units.directory}/{name}": text for name in names}


def test_files_are_written_once(units):
    wanted = files(units, WORKER) | {f"{units.app.home}/manage": f"#!/bin/sh\n{MARK}"}
    assert units.write(wanted)
    assert units.on_host() == wanted
    assert not units.write(wanted)
    assert units.called == [["systemctl", "daemon-reload"]]
    assert os.access(f"{units.app.home}/manage", os.X_OK)


def test_files_of_others_are_ignored(units):
    (units.directory / "shop-two-web@.service").write_text(mark("shop-two") + "\n")
    (units.directory / "shop-backup.service").write_text("[Service]\n")
    assert units.on_host() == {}
    assert units.stale({}) == []


def test_an_existing_file_of_others_is_refused(units):
    (units.directory / WORKER).write_text("[Service]\n")
    with pytest.raises(ReleaseError, match="does not belong to the app 'shop'"):
        units.check_foreign(files(units, WORKER))


def test_a_unit_of_the_host_is_not_overridden(units, tmp_path):
    (tmp_path / TIMER).touch()
    units.shipped = [str(tmp_path)]
    units.check_foreign(files(units, WORKER))
    with pytest.raises(ReleaseError, match=f"would override the host's unit '{TIMER}'"):
        units.check_foreign(files(units, WORKER, TIMER))


@pytest.fixture
def running(units, tmp_path, monkeypatch):
    """running(environment, directory): a process of the unit's."""

    @contextmanager
    def running(environment, directory=tmp_path):
        command = ["sh", "-c", "echo started; read line"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        environment = {"PATH": os.environ["PATH"], **environment}
        with subprocess.Popen(command, env=environment, cwd=directory, **pipes) as process:
            process.stdout.readline()
            monkeypatch.setattr(units, "show", lambda _unit: {"MainPID": str(process.pid)})
            yield
            process.kill()

    return running


def test_a_process_may_work_in_another_directory(units, running, monkeypatch):
    with running({"GATEHOUSE_RELEASE": "r1"}):
        assert units.release_of(WORKER) == "r1"
    monkeypatch.setattr(units, "show", lambda _unit: {"MainPID": "0"})
    assert units.release_of(WORKER) == ""


@pytest.mark.parametrize("said", [b"\xff\xfe", b"../../victim", b"a b", b"-r1", b"r1\n", b"x" * 65, "r\u0661".encode()])
def test_a_process_with_a_forged_release_has_none(units, running, said):
    with running({"GATEHOUSE_RELEASE": said}):
        assert units.release_of(WORKER) == ""


def test_a_process_without_a_release_has_none(units, running, tmp_path):
    with running({}):
        assert units.release_of(WORKER) == ""
    for name, found in (("r1", "r1"), ("r 1", "")):
        os.makedirs(f"{units.app.releases}/{name}/src")
        with running({}, f"{units.app.releases}/{name}/src"):
            assert units.release_of(WORKER) == found


def test_dropped_units_are_stopped_first_and_timers_before_others(units):
    wanted = files(units, WORKER, JOB, TIMER, "shop-web@.service")
    units.write(wanted)
    units.called.clear()
    units.drop(units.stale(files(units, WORKER)))
    assert list(units.on_host()) == [f"{units.directory}/{WORKER}"]
    assert units.called == [
        ["systemctl", "disable", "--now", TIMER],
        ["systemctl", "reset-failed", TIMER],
        ["systemctl", "clean", "--what=state", TIMER],
        ["systemctl", "disable", "--now", JOB],
        ["systemctl", "reset-failed", JOB],
        ["systemctl", "daemon-reload"],
    ]


def test_processes_are_the_units_that_start_at_boot(units):
    boot = f"{MARK}[Service]\n\n[Install]\nWantedBy=multi-user.target\n"
    wanted = files(units, WORKER, BEAT, TIMER, "shop-web.service", text=boot) | files(units, JOB)
    assert (units.processes(wanted), units.timers(wanted)) == ([BEAT, WORKER], [TIMER])


def entries(*messages):
    """What journalctl prints with --output=json."""
    return "".join(json.dumps({"__CURSOR": f"s=2;i={text}", "MESSAGE": text}) + "\n" for text in messages)


def test_control_characters_in_the_journal_are_escaped(units):
    units.tools._run_command = lambda argv, **_options: (0, entries("one\x1b[2J", "two"), "")
    assert units.journal(WORKER, "") == f"The last lines of unit {WORKER} (journalctl -u {WORKER}):\none\\x1b[2J\ntwo"


SLICE = "gatehouse-shop.slice"


@pytest.mark.parametrize(
    ("app", "written"), [("shop", "gatehouse-shop.slice"), ("shop-two", r"gatehouse-shop\x2dtwo.slice")]
)
def test_slices_of_apps_are_not_nested(app, written):
    # As `systemd-escape shop-two` writes it.
    assert Units(Tools(None, {}), App(app)).slice == written


def test_a_slice_is_a_file_of_the_app_and_neither_process_nor_timer(units):
    wanted = files(units, SLICE, WORKER, text=f"{MARK}[Install]\n")
    units.write(wanted)
    assert units.on_host() == wanted
    assert units.stale({}) == sorted(wanted)
    assert (units.processes(wanted), units.timers(wanted)) == ([WORKER], [])


def test_dropping_a_slice_does_not_stop_it(units):
    units.write(files(units, SLICE))
    units.called.clear()
    units.drop(units.stale({}))
    assert units.on_host() == {}
    assert units.called == [["systemctl", "daemon-reload"]]


@pytest.mark.parametrize("before", [{}, {SLICE: f"{MARK}old"}])
def test_the_limits_of_a_release_apply_during_its_build(units, before):
    old = {f"{units.directory}/{name}": text for name, text in before.items()}
    units.write(old)
    new = files(units, SLICE, WORKER, text=f"{MARK}new")
    with units.limited(new):
        assert units.on_host() == files(units, SLICE, text=f"{MARK}new")
    assert units.on_host() == files(units, SLICE, text=f"{MARK}new")


@pytest.mark.parametrize("before", [{}, {SLICE: f"{MARK}old"}])
def test_a_failed_build_restores_the_limits(units, before):
    old = {f"{units.directory}/{name}": text for name, text in before.items()}
    units.write(old)
    with pytest.raises(ReleaseError), units.limited(files(units, SLICE)):
        raise ReleaseError("no memory")
    assert units.on_host() == old


def answering(units, answers):
    """The units on a host on which each command that has *answers*' key among its words is answered so."""

    def attempt(argv, *_extra_units, **_options):
        units.called.append(argv)
        return next((answer for word, answer in answers.items() if word in argv), (0, "", ""))

    units.tools.attempt = attempt
    return units


def test_the_journal_is_read_from_a_cursor(units):
    answering(units, {"--show-cursor": (0, "-- cursor: s=1;i=2\n", ""), "--unit=shop": (0, entries("a", "b"), "")})
    since = units.journal_end()
    assert units.journal("shop", since, lines=1) == "The last lines of unit shop (journalctl -u shop):\nb"
    assert "--cursor=s=1;i=2" in units.called[-1]


def test_an_empty_journal_has_no_cursor(units):
    assert answering(units, {}).journal_end() == ""
    assert "no output" in units.journal("shop", "")
    assert not any("cursor" in word for word in units.called[1])


def test_a_stopped_journald_is_named(units):
    said = answering(units, {"is-active": (3, "", "")}).journal("shop", "")
    assert "systemd-journald.service is not running" in said


def test_a_drained_host_runs_no_processes_and_timers(units):
    wanted = files(units, WORKER, TIMER, text=f"{MARK}\n[Install]\n")
    assert (units.processes(wanted), units.timers(wanted)) == ([WORKER], [TIMER])
    units.is_drained = True
    assert (units.processes(wanted), units.timers(wanted)) == ([], [])
