"""What the doctor says of an app's cache and broker."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import instances

UNIT = "redis-server@shop-broker.service"
RUNNING = f"Id={UNIT}\nActiveState=active\nSubState=running\nMainPID=1\nNRestarts=0\n"
HEALTHY = {"used_memory": "1000000", "maxmemory": str(64 << 20), "maxmemory_policy": "noeviction"}


@pytest.fixture
def examine(doctor_host, tmp_path, monkeypatch):
    """examine(state, answer): the findings about a broker in that state; an exception as the answer is raised."""
    monkeypatch.setattr(valkey, "VALKEY_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(valkey, "UNIT_DIRECTORY", str(tmp_path))
    (tmp_path / "shop-broker.conf").touch()
    (tmp_path / f"{UNIT}.d").mkdir()
    (tmp_path / f"{UNIT}.d" / "gatehouse.conf").touch()

    def examine(state, answer):
        def info(_path):
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(valkey, "info", info)
        host = doctor_host("", ("systemctl show", state), ("journalctl", "Can't open the append-only file"))
        return instances.check_instances(host, "shop.example.com", "shop")

    return examine


def test_a_healthy_instance_and_one_that_was_stopped_for_good(examine, tmp_path):
    assert examine(RUNNING, HEALTHY) == []
    (tmp_path / f"{UNIT}.d" / "gatehouse.conf").unlink()
    assert examine(RUNNING.replace("active", "inactive"), HEALTHY) == []


@pytest.mark.parametrize(
    ("state", "answer", "cause", "remedy"),
    [
        (
            RUNNING.replace("=active", "=inactive").replace("running", "dead"),
            HEALTHY,
            f"The broker shop-broker of app shop does not run: {UNIT} is inactive (dead).",
            f"`systemctl start {UNIT}`",
        ),
        (
            RUNNING.replace("=active", "=activating").replace("running", "auto-restart"),
            HEALTHY,
            "is activating (auto-restart). Its journal says: Can't open the append-only file.",
            f"Read `journalctl -n 50 -u {UNIT}`",
        ),
        (RUNNING, valkey.NoAnswer("LOADING"), "runs, but it does not answer: LOADING.", f"`systemctl restart {UNIT}`"),
        (
            RUNNING,
            {**HEALTHY, "used_memory": str(63 << 20)},
            "is full and refuses new tasks: it holds 63M of 64M.",
            "write broker: {engine: valkey, memory: 128M} in the app's entry.",
        ),
        (
            RUNNING,
            {**HEALTHY, "aof_last_write_status": "err"},
            "cannot write to the disk, so it refuses new tasks.",
            "Make space for /var/lib/private/valkey-shop-broker",
        ),
    ],
)
def test_each_finding(examine, state, answer, cause, remedy):
    (finding,) = examine(state, answer)
    assert cause in finding.cause
    assert remedy in finding.remedy


def test_a_full_cache_is_no_finding(examine):
    assert examine(RUNNING, {**HEALTHY, "used_memory": str(64 << 20), "maxmemory_policy": "allkeys-lru"}) == []


def test_an_upgraded_program_is_a_finding(examine, monkeypatch):
    monkeypatch.setattr(instances.os, "readlink", lambda _path: "/usr/bin/redis-check-rdb (deleted)")
    (finding,) = examine(RUNNING, HEALTHY)
    assert "runs a program that was upgraded since it started" in finding.cause
