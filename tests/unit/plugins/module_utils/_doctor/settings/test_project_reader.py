"""The program that runs in a project's environment."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import project_reader

# Just enough of Django: settings that come from the module that the environment names.
CONF = """
import importlib, os

class Lazy:
    def __getattr__(self, name):
        module = importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"])
        return getattr(module, name, None)

settings = Lazy()
"""
URLS = "def set_script_prefix(prefix):\n    print('prefix', prefix)\n"


@pytest.fixture
def answer(tmp_path):
    """answer(settings...): the report of the program about a project with these settings."""

    def run(settings, inventory=None, **environment):
        for name, text in {
            "lib/django/__init__.py": "",
            "lib/django/conf.py": CONF,
            "lib/django/urls.py": URLS,
            "lib/gunicorn-27.0.1.dist-info/METADATA": "Name: gunicorn\nVersion: 27.0.1\n",
            "project/shop/settings.py": settings,
        }.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        ran = subprocess.run(
            [sys.executable, "-"],
            input=inspect.getsource(project_reader),
            cwd=tmp_path / "project",
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{tmp_path}/project:{tmp_path}/lib",
                "DJANGO_SETTINGS_MODULE": "shop.settings",
                "GATEHOUSE_SETTINGS_MODULE": "shop.settings",
                "GATEHOUSE_SETTINGS": json.dumps(inventory or {}),
                **environment,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        (line,) = ran.stdout.splitlines()
        return json.loads(line)

    return run


def test_the_settings_as_json(answer):
    found = answer(
        "from pathlib import Path\nprint('noise')\nSTATIC_ROOT = Path('/static')\nSECRET_KEY = 'hidden'\n"
        "SECURE_PROXY_SSL_HEADER = ('HTTP_X', 'https')\nALLOWED_HOSTS = {'b', 'a'}\nFORCE_SCRIPT_NAME = '/shop'\n",
        {"DEBUG": False},
    )
    assert found["settings"]["STATIC_ROOT"] == "/static"
    assert found["settings"]["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X", "https"]
    assert found["settings"]["ALLOWED_HOSTS"] == ["a", "b"]
    assert sorted(found["settings"]) == sorted(project_reader.NAMES)
    assert found["prefix"] == ""
    assert (found["module"], found["inventory"], found["gunicorn"]) == ("shop.settings", ["DEBUG"], [27, 0])
    assert "hidden" not in json.dumps(found)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ("\nraise ValueError('no\\nnumber')\n", "number (shop/settings.py, line 2)"),
        ("import os\n\nos.environ['SHOP_KEY']\n", "KeyError: 'SHOP_KEY' (shop/settings.py, line 3)"),
        ("import sys\nsys.exit('no')\n", "SystemExit: no (shop/settings.py, line 2)"),
        ("import no_such\n", "ModuleNotFoundError: No module named 'no_such' (shop/settings.py, line 1)"),
    ],
)
def test_settings_that_do_not_load(answer, settings, error):
    assert answer(settings) == {"error": error, "module": "shop.settings"}


@pytest.mark.parametrize(
    ("found", "error"),
    [
        ("os.environ['KEY'] + '!'", "ValueError: ********!"),
        # urlsplit() quotes what it takes for a port: with a '#' in the password, the half of that.
        ("'no integer: ' + repr('pa55')", "ValueError: no integer: '********'"),
        ("'from the inventory', 'shop.settings'", "ValueError: ('********', 'shop.settings')"),
        ("'Set KEY to a long string'", "ValueError: Set KEY to a long string"),
    ],
)
def test_an_error_shows_no_secret(answer, found, error):
    settings = {"OPTIONS": {"keys": ["from the inventory"]}}
    found = answer(
        f"import os\nraise ValueError({found})\n",
        settings,
        KEY="a-long-key",
        URL="postgres://shop:pa55#word@localhost/shop",
    )
    assert found["error"] == f"{error} (shop/settings.py, line 2)"


def test_an_error_about_a_name_shows_it(answer):
    assert "No module named 'shop.more'" in answer("import shop.more\n", KEY="shop.more.than")["error"]


def test_settings_that_hang(answer, monkeypatch):
    source = inspect.getsource(project_reader).replace("SECONDS = 20", "SECONDS = 1")
    monkeypatch.setattr(inspect, "getsource", lambda _module: source)
    found = answer("import time\ntime.sleep(60)\n")
    assert found["error"] == "TimeoutError: not done after 1 seconds (shop/settings.py, line 2)"
