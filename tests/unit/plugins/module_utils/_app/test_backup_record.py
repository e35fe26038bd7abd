"""The results of the backups of an app."""

import os
import stat
import time

from ansible_collections.gatehouse.django.plugins.module_utils._app import backup_record, interrupted_restore


def ended(result, problem=""):
    return backup_record.began("r1") | {"result": result, "problem": problem}


def test_the_last_good_one_stays(tmp_path):
    place = str(tmp_path)
    assert backup_record.read("shop", place) == {"last": None, "success": None}
    good, bad = ended("ok"), ended("failed", "no\x1b[31m space")
    backup_record.write("shop", good, place)
    backup_record.write("shop", bad, place)
    found = backup_record.read("shop", place)
    assert found["success"] == good
    assert found["last"]["problem"] == "no\\x1b[31m space"
    assert stat.S_IMODE(os.stat(tmp_path / "shop/record.json").st_mode) == 0o600


def test_a_run_that_was_killed(tmp_path):
    backup_record.write("shop", ended("running"), str(tmp_path))
    assert backup_record.read("shop", str(tmp_path))["last"]["result"] == "interrupted"


def test_a_damaged_record_is_none(tmp_path):
    (tmp_path / "shop").mkdir()
    for text in ("{", '{"last": 1}', '{"last": {"began": ""}}'):
        (tmp_path / "shop/record.json").write_text(text)
        assert backup_record.read("shop", str(tmp_path)) == {"last": None, "success": None}


def test_the_age():
    moment = time.strftime(backup_record.TIME, time.gmtime(time.time() - 7200))
    assert 7199 <= backup_record.seconds_since(moment) <= 7202


def test_an_interrupted_restore_is_told(tmp_path):
    assert interrupted_restore.explain("shop", str(tmp_path)) == ""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/restore.json").touch()
    assert "-e confirm=shop" in interrupted_restore.explain("shop", str(tmp_path))
