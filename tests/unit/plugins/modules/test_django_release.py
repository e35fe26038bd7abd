"""The module's own part: naming the release, and what it says."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils import basic
from ansible_collections.gatehouse.django.plugins.module_utils import _app_host
from ansible_collections.gatehouse.django.plugins.module_utils._app_host import App
from ansible_collections.gatehouse.django.plugins.module_utils._app_run import ReleaseError
from ansible_collections.gatehouse.django.plugins.modules import django_release as module

PRIVATE = {"environment": {}, "project_files": {}, "build_environment": {}, "authorization": "", "hidden": ["s3cr3t"]}
ARGUMENTS = {
    "app": "shop",
    "source": {"pypi": "shop==1.0"},
    "settings_module": "shop.settings",
    "application": "shop.wsgi:application",
    "server": "gunicorn",
    "uv": "1.2",
    "revision": "0123456789abcdef",
    "digest": "d",
    "private": json.dumps(PRIVATE),
}


@pytest.fixture
def host(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "App", lambda name: App(name, str(tmp_path)))
    monkeypatch.setattr(_app_host, "find_python", lambda _tools, _python: ("/usr/bin/python3", "3.13.5"))
    monkeypatch.setattr(module, "strays", lambda _tools, _app, _current: [])
    monkeypatch.setattr(module, "in_service", lambda units, identifier: units.app.current() == identifier)
    return tmp_path / "shop"


@pytest.fixture
def call(host, capsys, monkeypatch):
    def run(**arguments):
        given = {"ANSIBLE_MODULE_ARGS": {**ARGUMENTS, "_ansible_check_mode": True, **arguments}}
        # What patch_module_args does, which ansible-core 2.18 does not have yet.
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(given).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return run


def test_the_identifier_is_made_of_all_inputs():
    name = module.identify("0123456789abcdef", "d", "3.13.5")
    assert name.startswith("0123456789ab-")
    assert name == module.identify("0123456789abcdef", "d", "3.13.6")
    assert name != module.identify("0123456789abcdef", "d", "3.14.0")
    assert name != module.identify("0123456789abcdef", "e", "3.13.5")
    assert module.identify("", "d", "3.13.5") == ""


def test_a_release_that_is_missing_is_a_change(call):
    told = call()
    assert (told["changed"], told["pending"], told["current"]) == (True, True, "")
    assert told["diff"] == [{"before": "", "after": f"{told['id']}\n"}]


def test_a_release_that_is_there_is_none(call, host):
    path = host / "releases" / module.identify(ARGUMENTS["revision"], "d", "3.13.5")
    path.mkdir(parents=True)
    record = {"units": {}, "health": {}, "migrations": [], "known_migrations": [], "check": "fine"}
    (path / "release.json").write_text(json.dumps(record))
    (path / ".complete").touch()
    (host / "current").symlink_to(f"releases/{path.name}")
    told = call()
    assert (told["changed"], told["check"], told["path"]) == (False, "fine", str(path))


def test_an_error_says_what_is_served_and_no_secret(call, host, monkeypatch):
    (host / "releases").mkdir(parents=True)
    (host / "current").symlink_to("releases/old-1")

    def refuse(_app):
        raise ReleaseError("no s3cr3t")

    monkeypatch.setattr(_app_host, "check_user", refuse)
    told = call()
    assert told["msg"] == "shop: no ********\nState of the host: old-1 is served, as before."


def test_git_that_is_not_installed_yet(call, monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda _name: None)
    told = call(source={"git": "https://example.com/shop.git"})
    assert (told["id"], told["changed"]) == ("", True)
    assert told["diff"][0]["after"] == "a new release\n"


def test_without_its_controller_half_it_refuses(call):
    assert "controller half" in call(private=None)["msg"]
