"""The program that reports which data a project has."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import settings_reader

# Stands for Django: the settings are those of the module that the environment names.
DJANGO = "import importlib, os\nsettings = importlib.import_module(os.environ['DJANGO_SETTINGS_MODULE'])\n"
SETTINGS = """
print("noise")
SECRET_KEY = "a secret"
MEDIA_ROOT = "media"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3", "PASSWORD": "hidden"},
    "server": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "db", "USER": "hidden"},
}
"""
WSGI = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "hand.settings")\n'


@pytest.fixture
def report(tmp_path):
    """report(): the report of the project, and all that the program printed."""
    for name in ("django", "hand", "media"):
        (tmp_path / name).mkdir()
    (tmp_path / "django" / "conf.py").write_text(DJANGO)
    (tmp_path / "hand" / "settings.py").write_text(SETTINGS)
    (tmp_path / "hand" / "wsgi.py").write_text(WSGI)
    (tmp_path / "db.sqlite3").write_text("12345")
    (tmp_path / "media" / "upload").write_text("123")

    def report(application="hand.wsgi", **environment):
        with open(settings_reader.__file__, encoding="utf-8") as file:
            command = [sys.executable, "-c", file.read(), application]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1]), done.stdout

    return report


def test_the_data_of_a_project(report, tmp_path):
    found, printed = report()
    assert found["module"] == "hand.settings"
    assert found["databases"]["default"] == {
        **{"engine": "django.db.backends.sqlite3", "name": f"{tmp_path}/db.sqlite3", "is_file": True, "size": 5},
        **{"host": "", "port": ""},
    }
    assert found["databases"]["server"]["host"] == "db"
    assert found["media"] == {"path": f"{tmp_path}/media", "size": 3}
    assert "hidden" not in printed
    assert "a secret" not in printed
    assert "noise" not in printed


def test_the_environment_names_the_settings_module(report, tmp_path):
    (tmp_path / "hand" / "production.py").write_text(SETTINGS)
    assert report(DJANGO_SETTINGS_MODULE="hand.production")[0]["module"] == "hand.production"


def test_manage_py_names_it_where_the_command_names_no_application(report, tmp_path):
    (tmp_path / "manage.py").write_text("import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'hand.settings'\n")
    assert report("")[0]["module"] == "hand.settings"


def test_an_error_shows_no_value(report, tmp_path):
    (tmp_path / "hand" / "settings.py").write_text("raise ValueError('a secret')\n")
    assert report()[0] == {"error": "ValueError"}
    (tmp_path / "hand" / "settings.py").write_text("import nosuchmodule\n")
    assert report()[0] == {"error": "ModuleNotFoundError: No module named 'nosuchmodule'"}


def test_what_does_not_exist_has_no_size(tmp_path):
    assert settings_reader.size(f"{tmp_path}/none") == -1
