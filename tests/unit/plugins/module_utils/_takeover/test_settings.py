"""The data of a project, read as its own user."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import settings
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.settings import Process, Unreadable

DATABASE = {"engine": "django.db.backends.sqlite3", "name": "/x/db", "host": "", "port": "", "is_file": True, "size": 1}
REPORT = {"module": "hand.settings", "databases": {"default": DATABASE}, "media": {"path": "/x", "size": 2}, "key": "k"}


def test_a_report():
    found = settings.parse("noise of the project\n" + json.dumps(REPORT))
    assert (found.module, found.media, found.media_size, found.key) == ("hand.settings", "/x", 2, "k")
    assert found.databases["default"].name == "/x/db"
    assert found.databases["default"].is_file is True


@pytest.mark.parametrize(
    "change",
    [
        {"databases": []},
        {"databases": {"default": {**DATABASE, "name": "relative"}}},
        {"databases": {"default": {**DATABASE, "name": "/x\0y"}}},
        {"databases": {"default": {"name": "/x"}}},
        {"media": {"path": "media", "size": 1}},
        {"media": None},
    ],
)
def test_a_project_decides_every_byte_of_its_report(change):
    with pytest.raises(Unreadable, match="ended with 3 and without a report"):
        settings.parse(json.dumps({**REPORT, **change}), 3)


@pytest.mark.parametrize("output", ["", "no JSON", "[" * 100_000, "17"])
def test_no_report(output):
    with pytest.raises(Unreadable):
        settings.parse(output)


def test_the_error_of_a_project():
    with pytest.raises(Unreadable, match=r"KeyError\\x1b"):
        settings.parse(json.dumps({"error": "KeyError\x1b"}))


def test_the_rights_of_a_process():
    assert Process(5, 6, (7, 8), "/", {}).command("x") == [
        *("setpriv", "--reuid=5", "--regid=6", "--groups=7,8", "--", "x")
    ]
    assert "--clear-groups" in Process(5, 6, (), "/", {}).command("x")
    assert "secret" not in repr(Process(5, 6, (), "/", {"KEY": "secret"}))


def test_a_process_is_read_from_the_kernel():
    found = settings.process_of(Service("x.service", pid=os.getpid(), directory="/x"))
    assert (found.user, found.group, found.directory) == (os.getuid(), os.getgid(), "/x")
    assert found.environment
    assert not [name for name in found.environment if name.startswith("LISTEN_")]


def test_the_environment_reaches_only_a_process_of_the_user(monkeypatch, tmp_path):
    """root must not start a program with the LD_PRELOAD or the PATH of another user."""
    (tmp_path / "python").touch()
    calls = []

    def run(argv, **options):
        calls.append((argv, options))
        return 0, json.dumps(REPORT), ""

    monkeypatch.setattr(settings, "run_bounded", run)
    monkeypatch.setattr(settings, "process_of", lambda service: Process(5, 6, (), "/", {"LD_PRELOAD": "/evil.so"}))
    settings.read_old(Service("x.service", argv=(f"{tmp_path}/gunicorn", "hand.wsgi:app"), directory="/"))
    ((argv, options),) = calls
    assert argv[0] == "setpriv"
    assert "/evil.so" not in " ".join(argv)
    assert options.get("environ_update") is None
    assert json.loads(options["data"])["environment"] == {"LD_PRELOAD": "/evil.so"}
    assert json.loads(options["data"])["argv"][-1] == "hand.wsgi"


def test_a_service_without_a_virtual_environment():
    with pytest.raises(Unreadable, match="is not in a virtual environment: /nowhere/x"):
        settings.read_old(Service("x.service", argv=("/nowhere/x",)))


def test_a_service_that_does_not_run():
    with pytest.raises(Unreadable, match=r"`systemctl start x\.service`"):
        settings.started(lambda args: (0, "", ""), Service("x.service"), "127.0.0.1:1")
