"""Which unit the kernel killed, and which control group had no memory left."""

from __future__ import annotations

import json
import os
import pwd

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import memory
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.kernel_log import KERNEL, OOMD, Event

WEB, WORKER, SLICE = "shop-web@1.service", "shop-worker.service", "gatehouse-shop.slice"
GROUP = f"/gatehouse.slice/{SLICE}"
UID = 64001
MOMENT = 1764100000
SENT = f"{MOMENT + 2}.5 shop gunicorn[7]: [7] [ERROR] Worker (pid:9) was sent SIGKILL! Perhaps out of memory?\n"


def show(units, known):
    """What `systemctl show` prints of *units* with the properties *known*."""
    blocks = [{"Id": unit} | known.get(unit, {}) for unit in units]
    return "\n\n".join("\n".join(f"{key}={value}" for key, value in one.items()) for one in blocks)


@pytest.fixture
def check(tmp_path, monkeypatch):
    """check(events, properties by unit, journal): cause and remedy of each finding."""
    release = tmp_path / "shop" / "releases" / "1"
    release.mkdir(parents=True)
    units = [f"/etc/systemd/system/{one}" for one in (WORKER, "shop-web@.service", "shop-web.service")]
    record = {"units": dict.fromkeys(units, ""), "health": {}, "migrations": [], "known_migrations": [], "check": ""}
    (release / "release.json").write_text(json.dumps(record))
    os.symlink("releases/1", tmp_path / "shop" / "current")
    monkeypatch.setattr(pwd, "getpwnam", lambda name: type("User", (), {"pw_uid": UID}))

    def check(*events, journal="", logged=None, web=None, worker=None, limits=None):
        known = {WEB: {"Slice": SLICE} | (web or {}), WORKER: {"Slice": SLICE} | (worker or {}), SLICE: limits or {}}

        def run(argv):
            if argv[0] == "journalctl":
                return 0, journal if f"UNIT={WEB}" in argv else "", ""
            return 0, show(argv[3:], known), ""

        evidence = memory.Evidence(events, logged or {}, {WEB: known[WEB], WORKER: known[WORKER]})
        found = memory.check_memory(run, "shop.test", "shop", evidence, str(tmp_path))
        return [(finding.cause, finding.remedy) for finding in found]

    return check


def kill(unit=WEB, limit=GROUP, uid=UID, pid=7):
    return Event(MOMENT, f"{GROUP}/{unit}" if unit else "/machine", limit, "gunicorn", pid, uid)


def test_no_kill(check):
    assert check() == []
    assert check(kill("blog-web@1.service", uid=UID + 1), web={"Result": "exit-code"}) == []


@pytest.mark.parametrize("unit", [WEB, WORKER])
def test_a_limit_of_the_slice(check, unit):
    ((cause, remedy),) = check(kill(unit), limits={"MemoryMax": str(512 * 1024**2)})
    assert cause == (
        f"The kernel killed gunicorn (process 7) at 2025-11-25 19:46:40 UTC of {unit}: its memory was used up, "
        f"MemoryMax of {SLICE} is 512 MiB."
    )
    assert remedy == (
        f"Find out what uses it: `journalctl -u {unit}`. If the app needs more, write in the app's entry of "
        "django_apps: `limits: {memory: 1024M}` (django_app_limits)."
    )


def test_several_kills_are_one_finding(check):
    ((cause, _remedy),) = check(kill(pid=6), kill(pid=7))
    assert "gunicorn (process 7)" in cause
    assert "2 times in the last hour" in cause


def test_the_whole_host(check):
    ((cause, remedy),) = check(kill(limit=""), limits={"MemoryMax": "infinity"})
    assert cause.endswith("the whole host had no memory left.")
    assert remedy.startswith("Give the host more memory")


def test_a_kill_that_only_systemd_logs(check):
    ((cause, _remedy),) = check(worker={"Result": "oom-kill", "MemoryMax": str(64 * 1024**2)})
    assert cause == f"The kernel killed a process of {WORKER}: its memory was used up, MemoryMax of {WORKER} is 64 MiB."
    ((cause, _remedy),) = check(logged={WEB: KERNEL})
    assert f"a process of {WEB}: the whole host had no memory left" in cause


def test_a_kill_of_systemd_oomd(check):
    """It kills because the host or a control group above is short of memory: the unit's own limit was not reached."""
    limited = {"Result": "oom-kill", "MemoryMax": str(64 * 1024**2)}
    ((cause, remedy),) = check(kill("blog.service", uid=UID), worker=limited, logged={WORKER: OOMD})
    assert cause == f"systemd-oomd killed processes of {WORKER} in the last hour, because memory or swap ran short."
    assert "`journalctl -u systemd-oomd`" in remedy
    assert "limits: {memory: 512M}" in remedy
    # What the kernel logged about the unit itself says more.
    ((cause, _remedy),) = check(kill(WORKER), logged={WORKER: OOMD})
    assert cause.startswith("The kernel killed gunicorn (process 7)")


def test_a_control_group_that_is_not_a_unit(check):
    """Where the host is a container, the kernel names another control group: user and signal identify the app."""
    event = kill(None, "/lab")
    assert check(event) == []
    ((cause, remedy),) = check(event, journal=SENT)
    assert "the control group /lab has no more" in cause
    assert "memory: 1G" in remedy
    assert check(event, journal=SENT.replace(str(MOMENT + 2), str(MOMENT + 600))) == []
    # The other event may be of another unit, or of a container beside this one.
    ((cause, _remedy),) = check(kill(None, "/other"), event, journal=SENT)
    assert f" of {WEB}: " in cause


def test_a_signal_alone_is_not_lack_of_memory(check):
    assert check(journal=SENT) == []


def test_refused_processes(check):
    fork = Event(1764100000, f"{GROUP}/{WEB}", is_fork=True)
    ((cause, remedy),) = check(fork, fork, web={"TasksMax": "infinity"}, limits={"TasksMax": "2048"})
    assert cause == f"The kernel let {WEB} start no more processes or threads: TasksMax is 2048 for {SLICE}."
    assert "limits: {tasks: 4096}" in remedy
    assert check(Event(1764100000, "/other.service", is_fork=True)) == []


def test_one_command_reads_the_state_of_all_apps(tmp_path):
    commands = []

    def run(argv):
        commands.append(argv)
        return 0, show(argv[3:], {}) if argv[0] == "systemctl" else "", ""

    apps = [f"app{number}" for number in range(200)]
    for app in apps:
        (tmp_path / app / "releases" / "1").mkdir(parents=True)
        os.symlink("releases/1", tmp_path / app / "current")
    evidence = memory.read_evidence(run, apps, str(tmp_path))
    assert list(evidence.states) == [f"{app}-web@1.service" for app in apps]
    assert [memory.check_memory(run, "a.test", app, evidence, str(tmp_path)) for app in apps] == [[]] * 200
    assert [argv[0] for argv in commands] == ["journalctl", "journalctl", "systemctl"]


def test_a_malformed_record_does_not_end_the_check_of_other_apps(tmp_path):
    for app, text in (("broken", "[]"), ("shop", "")):
        (tmp_path / app / "releases" / "1").mkdir(parents=True)
        (tmp_path / app / "releases" / "1" / "release.json").write_text(text)
        os.symlink("releases/1", tmp_path / app / "current")

    def run(argv):
        return 0, show(argv[3:], {}) if argv[0] == "systemctl" else "", ""

    evidence = memory.read_evidence(run, ["broken", "shop"], str(tmp_path))
    # The name of its web service is known without the record.
    assert list(evidence.states) == ["broken-web@1.service", WEB]
    assert memory.check_memory(run, "broken.test", "broken", evidence, str(tmp_path)) == []
