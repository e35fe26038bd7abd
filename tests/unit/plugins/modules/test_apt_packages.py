"""The module installs what is missing, and shows no password."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils import basic
from ansible_collections.gatehouse.django.plugins.modules import apt_packages as module

URL = "http://bot:s3cr%40t@proxy.example.com:3128"


@pytest.fixture
def installed(monkeypatch):
    """The packages that were installed, and the proxy of each."""
    found = []
    monkeypatch.setattr(module.apt, "missing", lambda _run, names: [name for name in names if name != "git"])
    monkeypatch.setattr(
        module.apt, "install", lambda _run, names, proxy, _age: found.append((names, proxy.get("http_proxy")))
    )
    monkeypatch.setattr(basic.AnsibleModule, "get_bin_path", lambda _module, name: f"/usr/bin/{name}")
    return found


@pytest.fixture
def call(monkeypatch, capsys):
    def call(**arguments):
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return call


def test_only_what_is_missing_is_installed(call, installed):
    told = call(name=["git", "libpq5"], proxy={"url": URL})
    assert (told["changed"], told["missing"]) == (True, ["libpq5"])
    assert installed == [(["libpq5"], URL)]
    assert call(name=["git"])["changed"] is False


def test_check_mode_installs_nothing(call, installed):
    assert call(name=["libpq5"], _ansible_check_mode=True)["changed"] is True
    assert installed == []


def test_a_failure_shows_no_password(call, installed, monkeypatch):
    def install(*_arguments):
        raise module.apt.AptError("E: 407 from bot:s3cr@t and bot:s3cr%40t")

    monkeypatch.setattr(module.apt, "install", install)
    told = call(name=["libpq5"], proxy={"url": URL})
    assert told["msg"].startswith("apt cannot install libpq5:\nE: 407 from bot:")
    assert "s3cr" not in json.dumps(told)


def test_a_wrong_proxy_is_refused(call, installed):
    told = call(name=["libpq5"], proxy={"url": "proxy:3128"})
    assert told["failed"] and told["msg"].endswith("Nothing was changed.")
    assert installed == []
