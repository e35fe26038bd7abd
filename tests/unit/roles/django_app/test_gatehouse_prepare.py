"""What runs on the host before a release is complete."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

PREPARE = Path(__file__).resolve().parents[4] / "roles/django_app/files/gatehouse_prepare.py"


@pytest.fixture(scope="module")
def prepare():
    spec = importlib.util.spec_from_file_location("gatehouse_prepare", PREPARE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_commands_speak_for_themselves_and_others_with_a_traceback(prepare):
    class CommandError(Exception):
        pass

    assert prepare.explain(CommandError("no such table")) == "CommandError: no such table"
    try:
        raise ValueError("deep inside")
    except ValueError as error:
        assert prepare.explain(error).startswith("Traceback")
        assert prepare.explain(error).endswith("ValueError: deep inside\n")


def test_the_report_is_the_last_line_even_of_a_failure(tmp_path):
    fake = tmp_path / "django"
    fake.mkdir()
    (fake / "__init__.py").write_text(
        "print('printed while importing')\ndef setup(): raise SystemExit('no settings')\n"
    )
    (fake / "conf.py").write_text("settings = None\n")
    done = subprocess.run(
        [sys.executable, PREPARE, "ERROR", "shop.wsgi:application", "/static", "30"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["phase"] == "settings"
    assert "printed while importing" in done.stderr
    assert "no settings" in done.stderr


def test_what_hangs_while_it_is_imported_ends_with_the_place(prepare):
    def import_of_the_project():
        time.sleep(10)

    with pytest.raises(TimeoutError, match="not done after 1 seconds") as caught, prepare.limited("settings", 1):
        import_of_the_project()
    assert "import_of_the_project" in prepare.explain(caught.value)


def test_a_migration_may_take_its_time(prepare):
    with prepare.limited("migrate", 1):
        time.sleep(1.1)
