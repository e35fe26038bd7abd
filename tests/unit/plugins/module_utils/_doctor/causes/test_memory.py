"""Which unit the kernel has killed, and what had no memory left."""

from __future__ import annotations

import json
import os
import pwd

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import memory
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.kernel_log import Event

WEB, WORKER, SLICE = "shop-web@1.service", "shop-worker.service", "gatehouse-shop.slice"
GROUP = f"/gatehouse.slice/{SLICE}"
UID = 64001
SENT = "[7] [ERROR] Worker (pid:9) was sent SIGKILL! Perhaps out of memory?\n"
BY_SIGNAL = {"ExecMainCode": "2", "ExecMainStatus": "9"}


@pytest.fixture
def explain(tmp_path, monkeypatch):
    """explain(events, properties by unit, journal): cause and remedy of each finding."""
    release = tmp_path / "shop" / "releases" / "1"
    release.mkdir(parents=True)
    units = [f"/etc/systemd/system/{one}" for one in (WORKER, "shop-web@.service", "shop-web.service")]
    record = {"units": dict.fromkeys(units, ""), "health": {}, "migrations": [], "known_migrations": [], "check": ""}
    (release / "release.json").write_text(json.dumps(record))
    os.symlink("releases/1", tmp_path / "shop" / "current")
    monkeypatch.setattr(pwd, "getpwnam", lambda name: type("User", (), {"pw_uid": UID}))

    def explain(*events, journal="", told=(), web=None, worker=None, limits=None):
        known = {WEB: {"Slice": SLICE} | (web or {}), WORKER: {"Slice": SLICE} | (worker or {}), SLICE: limits or {}}

        def run(argv):
            if argv[0] == "journalctl":
                return 0, journal if f"UNIT={WEB}" in argv else "", ""
            blocks = [{"Id": unit} | known.get(unit, {}) for unit in argv[3:]]
            return 0, "\n\n".join("\n".join(f"{key}={value}" for key, value in one.items()) for one in blocks), ""

        found = memory.explain(run, "shop.test", "shop", memory.Evidence(events, frozenset(told)), str(tmp_path))
        return [(finding.cause, finding.remedy) for finding in found]

    return explain


def kill(unit=WEB, limit=GROUP, uid=UID, pid=7):
    return Event(1764100000, f"{GROUP}/{unit}" if unit else "/machine", limit, "gunicorn", pid, uid)


def test_an_app_that_is_well(explain):
    assert explain() == []
    assert explain(kill("blog-web@1.service", uid=UID + 1), web={"Result": "exit-code"}) == []


@pytest.mark.parametrize("unit", [WEB, WORKER])
def test_a_limit_of_the_slice(explain, unit):
    ((cause, remedy),) = explain(kill(unit), limits={"MemoryMax": str(512 * 1024**2)})
    assert cause == (
        f"The kernel killed gunicorn (process 7) at 2025-11-25 19:46:40 UTC of {unit}: its memory was used up, "
        f"MemoryMax of {SLICE} is 512 MiB."
    )
    assert remedy == (
        f"See what takes it: `journalctl -u {unit}`. If the app needs more, write in the app's entry of django_apps: "
        "`limits: {memory: 1024M}` (django_app_limits)."
    )


def test_several_kills_are_one_finding(explain):
    ((cause, _remedy),) = explain(kill(pid=6), kill(pid=7))
    assert "gunicorn (process 7)" in cause
    assert "2 times in the last hour" in cause


def test_the_whole_host(explain):
    ((cause, remedy),) = explain(kill(limit=""), limits={"MemoryMax": "infinity"})
    assert cause.endswith("the whole host had no memory left.")
    assert remedy.startswith("Give the host more memory")


def test_a_unit_of_which_only_systemd_tells(explain):
    ((cause, _remedy),) = explain(worker={"Result": "oom-kill", "MemoryMax": str(64 * 1024**2)})
    assert cause == f"The kernel killed a process of {WORKER}: its memory was used up, MemoryMax of {WORKER} is 64 MiB."
    ((cause, _remedy),) = explain(told=[WEB])
    assert f"a process of {WEB}: the whole host had no memory left" in cause


def test_a_control_group_that_is_no_unit(explain):
    """Where the host is a container, the kernel names another control group: the app's user and the signal tell."""
    event = kill(None, "/lab")
    assert explain(event) == []
    ((cause, remedy),) = explain(event, web=BY_SIGNAL)
    assert "the control group /lab has no more" in cause
    assert "memory: 1G" in remedy
    assert len(explain(event, journal=SENT)) == 1
    # The other event may be of another unit, or of a container beside this one.
    ((cause, _remedy),) = explain(kill(None, "/other"), event, web=BY_SIGNAL)
    assert f" of {WEB}: " in cause


def test_a_signal_alone_is_not_for_want_of_memory(explain):
    assert explain(web=BY_SIGNAL) == []
    assert explain(journal=SENT) == []


def test_processes_that_were_refused(explain):
    fork = Event(1764100000, f"{GROUP}/{WEB}", is_fork=True)
    ((cause, remedy),) = explain(fork, fork, web={"TasksMax": "infinity"}, limits={"TasksMax": "2048"})
    assert cause == f"The kernel let {WEB} start no more processes or threads: TasksMax is 2048 for {SLICE}."
    assert "limits: {tasks: 4096}" in remedy
    assert explain(Event(1764100000, "/other.service", is_fork=True)) == []
