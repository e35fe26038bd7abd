"""What the doctor says about backups."""

import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import backup_record
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.backup import check_backup


@pytest.fixture
def host(tmp_path):
    (tmp_path / "units").mkdir()
    (tmp_path / "units/gatehouse-backup@shop.timer").touch()
    return tmp_path


def run(_argv, **_options):
    return 0, "ActiveState=active\n", ""


def causes(host, run=run):
    found = check_backup(run, "shop.example.com", "shop", str(host), str(host / "units"))
    return [finding.cause for finding in found]


def record(host, result, age=0.0, **more):
    began = time.strftime(backup_record.TIME, time.gmtime(time.time() - age))
    backup_record.write("shop", backup_record.began("r1") | {"result": result, "began": began} | more, str(host))


def test_a_good_one(host):
    record(host, "ok", 86400)
    assert causes(host) == []


def test_an_app_without_backups(host):
    (host / "units/gatehouse-backup@shop.timer").unlink()
    record(host, "failed")
    assert causes(host) == []


def test_none_yet(host):
    assert causes(host) == ["There is no backup of shop yet."]


def test_one_that_failed(host):
    record(host, "ok", 90000)
    record(host, "failed", problem="no space left.")
    (cause,) = causes(host)
    assert "failed: no space left. The newest good one is of 20" in cause


def test_one_that_failed_for_a_known_reason(host):
    record(host, "failed", problem=f"nas cannot be reached{backup_record.TO_CORRECT}correct the host in 'to'.")
    (finding,) = check_backup(run, "shop.example.com", "shop", str(host), str(host / "units"))
    assert "failed: nas cannot be reached. There is no good one." in finding.cause
    assert (
        "server: correct the host in 'to'. Then `ansible-playbook gatehouse.django.site -e app=shop`" in finding.remedy
    )


def test_one_that_was_killed(host):
    record(host, "running")
    (cause,) = causes(host)
    assert "was interrupted: it was killed before its end. There is no good one" in cause


def test_an_old_one(host):
    record(host, "ok", 2 * 86400 + 60)
    (cause,) = causes(host)
    assert "more than two days ago" in cause


def test_a_database_that_is_left_out(host):
    record(host, "ok", warnings=["DATABASES['mysql'] is not in the backup"])
    (cause,) = causes(host)
    assert "DATABASES['mysql'] is not in the backup" in cause


def test_a_server_that_only_adds_is_not_a_gap_of_the_backup(host):
    text = f"{backup_record.OLD_STAY}rest:https://nas/shop/ only adds (append-only). Set 'keep: {{}}'."
    record(host, "ok", warnings=[text])
    (finding,) = check_backup(run, "shop.example.com", "shop", str(host), str(host / "units"))
    assert finding.cause == "Old backups stay: rest:https://nas/shop/ only adds (append-only)."
    assert finding.remedy == "Set 'keep: {}'."


def test_a_timer_that_was_stopped(host):
    record(host, "ok")
    (cause,) = causes(host, lambda _argv, **_options: (0, "ActiveState=inactive\n", ""))
    assert "gatehouse-backup@shop.timer does not run" in cause


def test_a_restore_that_was_killed(host):
    record(host, "ok")
    (host / "shop/restore.json").touch()
    (cause,) = causes(host)
    assert "A restore of shop was interrupted" in cause
