"""What the doctor says about drills."""

import os
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import backup_record, drill_record
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.drill import check_drill


@pytest.fixture
def host(tmp_path):
    (tmp_path / "units").mkdir()
    (tmp_path / "shop").mkdir()
    (tmp_path / "units/gatehouse-drill@shop.timer").write_text("# drill: weekly\n")
    return tmp_path


def causes(host, state="active"):
    def run(_argv, **_options):
        return 0, f"ActiveState={state}\n", ""

    found = check_drill(run, "shop.example.com", "shop", str(host), str(host / "units"))
    return [finding.cause for finding in found]


def record(host, result, days=0.0, **more):
    began = time.strftime(backup_record.TIME, time.gmtime(time.time() - days * 86400))
    drill_record.write("shop", drill_record.began() | {"result": result, "began": began} | more, str(host))


def test_no_drills(host):
    (host / "units/gatehouse-drill@shop.timer").unlink()
    record(host, "failed")
    assert causes(host) == []


def test_none_yet_and_a_proven_one(host):
    assert causes(host) == []
    record(host, "ok", 8.9)
    assert causes(host) == []


@pytest.mark.parametrize(("days", "is_said"), [(8.9, False), (9.1, True)])
def test_one_that_never_ran(host, days, is_said):
    timer = host / "units/gatehouse-drill@shop.timer"
    os.utime(timer, (time.time() - days * 86400,) * 2)
    # There is nothing to restore yet.
    assert causes(host) == []
    backup_record.write("shop", backup_record.began("r1") | {"result": "ok"}, str(host))
    said = "No drill of the backup of shop was ever made, although drills are weekly. No restore is proven yet."
    assert causes(host) == ([said] if is_said else [])
    record(host, "running")
    assert said not in causes(host)


def test_an_old_one(host):
    record(host, "ok", 9.1)
    (cause,) = causes(host)
    assert "The last proven restore of shop is of 20" in cause


@pytest.mark.parametrize(
    ("result", "said"), [("failed", "failed: no room. The last proven"), ("running", "was interrupted: it was killed")]
)
def test_one_that_proved_nothing(host, result, said):
    record(host, "ok", 1)
    record(host, result, problem="no room.")
    (cause,) = causes(host)
    assert said in cause


def test_a_timer_that_was_stopped(host):
    record(host, "ok")
    assert causes(host, "inactive") == [
        "No drill of the backup of shop is made: gatehouse-drill@shop.timer does not run."
    ]


def test_what_is_not_proven(host):
    record(host, "ok", notes=["DATABASES['old'] is on db.example.com"])
    assert causes(host) == ["The drill does not prove all of the backup of shop: DATABASES['old'] is on db.example.com"]
