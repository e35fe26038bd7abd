"""The results of the drills of an app's backup."""

import os
import stat

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import drill_record
from ansible_collections.gatehouse.django.plugins.module_utils._app.backup_spec import OFTEN


def ended(result, problem=""):
    return drill_record.began() | {"result": result, "problem": problem}


def test_the_last_proven_one_stays(tmp_path):
    (tmp_path / "shop").mkdir()
    place = str(tmp_path)
    assert drill_record.read("shop", place) == {"last": None, "success": None}
    good, bad = ended("ok"), ended("failed", "no\x1b[31m room")
    drill_record.write("shop", good, place)
    drill_record.write("shop", bad, place)
    found = drill_record.read("shop", place)
    assert found["success"] == good
    assert found["last"]["problem"] == "no\\x1b[31m room"
    assert stat.S_IMODE(os.stat(tmp_path / "shop/drill.json").st_mode) == 0o600


def test_one_that_was_killed(tmp_path):
    (tmp_path / "shop").mkdir()
    drill_record.write("shop", ended("running"), str(tmp_path))
    assert drill_record.read("shop", str(tmp_path))["last"]["result"] == "interrupted"


@pytest.mark.parametrize("text", ["{", '{"last": 1}', '{"last": {"began": ""}}'])
def test_a_damaged_record_is_none(tmp_path, text):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/drill.json").write_text(text)
    assert drill_record.read("shop", str(tmp_path)) == {"last": None, "success": None}


def test_how_often(tmp_path):
    assert drill_record.often("shop", str(tmp_path)) == "never"
    assert set(drill_record.DAYS) | {"never"} == set(OFTEN)
    for often in drill_record.DAYS:
        drill_record.timer("shop", str(tmp_path)).write_text(f"# Made by Gatehouse\n# drill: {often}\n[Unit]\n")
        assert drill_record.often("shop", str(tmp_path)) == often


def test_a_copy_of_an_operator(tmp_path):
    (tmp_path / "shop").mkdir()
    assert drill_record.copy_of("shop", str(tmp_path)) == {}
    (tmp_path / "shop/copy-restore.json").write_text('{"made": "a", "snapshot": "b", "time": "c", "databases": []}')
    assert drill_record.copy_of("shop", str(tmp_path)) == {"made": "a", "snapshot": "b", "time": "c"}
    (tmp_path / "shop/copy-restore.json").write_text("{")
    assert drill_record.copy_of("shop", str(tmp_path)) == {}
