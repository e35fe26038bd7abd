"""Requests wait while nothing can write; the programs of the two units run here without systemd."""

from __future__ import annotations

import fcntl
import os
import subprocess
from dataclasses import replace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import hold
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import Refused


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    """A systemctl that records its calls, one a line."""
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{tmp_path}/calls\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path / "calls"


@pytest.fixture
def held(tmp_path, monkeypatch, old_site):
    """A hold that has started, with a worker as companion; its commands are recorded."""
    monkeypatch.setattr(hold, "HOME", tmp_path / "run")
    monkeypatch.setattr(hold, "UNITS", tmp_path / "units")
    commands = []

    def run(args, **_options):
        commands.append(" ".join(args))
        return 0, "active\n", ""

    worker = Service(r"my\x2dworker.service", triggers=("worker.timer",), is_active=True)
    enabled, replaced = tmp_path / "my project", tmp_path / "replaced"
    replaced.symlink_to("/nowhere")
    # No such process: nothing of the old service is left.
    known = replace(old_site.site, service=replace(old_site.service, pid=2**30))
    old = replace(old_site, site=known, companions=(worker,))
    found = hold.Hold(run, "shop", old, ("www-data", "adm"), {str(enabled): str(replaced)})
    found.start(tmp_path / "live.conf", "/srv/shop/current/web.sock")
    found.commands = commands
    yield found
    if found.lock >= 0:
        os.close(found.lock)


def watch(held):
    """Run the watching unit's program to its end."""
    return subprocess.run(["sh", held.home / "watch"], timeout=20, capture_output=True, text=True, check=True)


def test_the_old_services_end_after_requests_can_wait(held):
    stops = [command for command in held.commands if command.startswith("systemctl stop")]
    assert stops == [r"systemctl stop worker.timer my\x2dworker.service", "systemctl stop gunicorn.service"]
    assert held.commands.index("systemctl daemon-reload") < held.commands.index(stops[1])
    assert "User=www-data\nGroup=adm\n" in held.drop_in.read_text()


def test_nothing_of_the_old_unit_reaches_a_process_of_another_user(held):
    lines = held.drop_in.read_text().splitlines()
    for name in ("Environment", "EnvironmentFile", "PassEnvironment", "ExecStartPre", "ExecStop", "ExecStartPost"):
        assert f"{name}=" in lines


def test_a_run_that_ends_brings_the_old_site_back(held, systemctl, tmp_path):
    os.close(held.lock)
    held.lock = -1
    watch(held)
    assert os.readlink(tmp_path / "my project") == "/nowhere"
    assert not held.drop_in.exists()
    assert not (held.home / "target").exists()
    assert systemctl.read_text().splitlines() == [
        "daemon-reload",
        "restart gunicorn.service",
        r"start worker.timer my\x2dworker.service",
    ]


def test_after_the_switch_the_app_answers_what_has_waited(held, systemctl, tmp_path):
    (tmp_path / "live.conf").touch()
    os.close(held.lock)
    held.lock = -1
    watch(held)
    assert (held.home / "target").read_text() == "/srv/shop/current/web.sock\n"
    assert held.drop_in.exists()
    assert not systemctl.exists()


def test_the_watching_unit_waits_for_the_end_of_the_run(held):
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(["sh", held.home / "watch"], timeout=0.5, check=True)
    with open(held.home / "lock", encoding="ascii") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_failure_says_in_what_state_the_host_is(held):
    with pytest.raises(Refused, match=r"^no space left\. The hand-made site is served as before; gunicorn.service "):
        with held:
            raise OSError("no space left")
    assert held.lock == -1


def test_a_service_that_opens_its_socket_itself_gets_no_drop_in(tmp_path, monkeypatch, old_site):
    monkeypatch.setattr(hold, "HOME", tmp_path / "run")
    monkeypatch.setattr(hold, "UNITS", tmp_path / "units")
    known = replace(old_site.site, service=replace(old_site.service, sockets=(), pid=2**30))
    found = hold.Hold(lambda args, **_options: (0, "", ""), "shop", replace(old_site, site=known), ("a", "b"), {})
    found.start(tmp_path / "live.conf", "/srv/shop/current/web.sock")
    os.close(found.lock)
    assert not found.drop_in.exists()


def test_a_service_that_does_not_speak_http_ends_with_its_socket(tmp_path, monkeypatch, old_site):
    monkeypatch.setattr(hold, "HOME", tmp_path / "run")
    monkeypatch.setattr(hold, "UNITS", tmp_path / "units")
    known = replace(old_site.site, speaks_http=False, service=replace(old_site.service, pid=2**30))
    commands = []

    def run(args, **_options):
        commands.append(" ".join(args))
        return 0, "", ""

    found = hold.Hold(run, "shop", replace(old_site, site=known), ("a", "b"), {})
    found.start(tmp_path / "live.conf", "/srv/shop/current/web.sock")
    os.close(found.lock)
    assert commands[-1] == "systemctl stop gunicorn.socket gunicorn.service"
    assert "systemctl start gunicorn.socket" in (found.home / "watch").read_text()


def test_processes_that_outlive_their_service_are_refused(held):
    unit = hold.Path("/proc/self/cgroup").read_text(encoding="utf-8").strip().rpartition("/")[2] or "0::"
    service = replace(held.old.service, unit=unit, pid=os.getpid())
    held.old = replace(held.old, site=replace(held.old.site, service=service))
    with pytest.raises(Refused, match=f"process {os.getpid()} is left"):
        held._check_ended()
