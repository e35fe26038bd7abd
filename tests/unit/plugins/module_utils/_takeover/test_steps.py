"""The states of a takeover: what is refused, and what there is nothing to do for."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import history
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import retirement, steps
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import Refused
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.settings import Database, Project, Unreadable

PROJECT = Project("hand.settings", {"default": Database("x.sqlite3", "/home/deploy/db", is_file=True, size=1)})


@pytest.fixture
def stepping(tmp_path, host_with, site, monkeypatch):
    """stepping(option=value...): the steps on a host with the hand-made site."""
    monkeypatch.setattr(retirement, "STATE", tmp_path / "state")
    monkeypatch.setattr(steps, "APPS", str(tmp_path))
    monkeypatch.setattr(steps.settings, "started", lambda run, service, address: service)
    monkeypatch.setattr(steps.settings, "read_old", lambda service: (PROJECT, "the rights"))

    def stepping(text=site, check_mode=True, more="", **params):
        found = steps.Steps.__new__(steps.Steps)
        found.host = host_with(project=text, more=more)
        found.module = SimpleNamespace(check_mode=check_mode)
        found.params = {
            **{"names": ["hand.test"], "site_names": ["shop"], "rendered": None, "acme_sites": ["shop"]},
            **{"aliases": [], "certificates": None, "migrate_databases": ["default"], "media_group": "www-data"},
            "run": {"id": "", "by": "alice@laptop"},
            **params,
        }
        found.run, found.tools, found.app, found.warnings = (
            lambda args: (0, "", ""),
            None,
            App("shop", str(tmp_path)),
            [],
        )
        found.nginx, found.conf_dir, found.record = {"conf_dir": str(tmp_path)}, str(tmp_path), None
        found.attempt = SimpleNamespace()
        found.old = steps.find(found.host, found.params["names"])
        return found

    return stepping


@pytest.fixture
def live(tmp_path):
    """Gatehouse publishes the site `shop`."""
    (tmp_path / "gatehouse" / "live" / "sites").mkdir(parents=True)
    (tmp_path / "gatehouse" / "live" / "sites" / "shop.conf").touch()


def test_check_mode_says_what_is_copied(stepping, tmp_path):
    found = stepping().copied()
    assert (found["changed"], found["is_due"]) == (True, True)
    assert f"copy database 'default': /home/deploy/db to {tmp_path}/shop/data/db (0.0 MiB)" in found["plan"]


@pytest.mark.parametrize("step", ["copied", "switched", "finished"])
def test_after_the_takeover_there_is_nothing_to_do(stepping, live, step):
    found = getattr(stepping(""), step)()
    assert found == {"changed": False, "is_due": False, "plan": []}


def test_names_that_nothing_serves_are_refused(stepping):
    with pytest.raises(Refused, match=r"no server of nginx on this host has one of the names hand\.test"):
        stepping("").copied()


@pytest.mark.parametrize("step", ["copied", "switched"])
def test_a_site_that_gatehouse_already_publishes_is_refused(stepping, live, step):
    with pytest.raises(Refused, match="already publishes site shop with other names"):
        getattr(stepping(), step)()


@pytest.mark.parametrize("step", ["copied", "switched"])
def test_an_app_with_data_of_its_own_is_refused(stepping, step):
    other = "server { server_name app.test; location / { proxy_pass http://unix:/srv/shop/current/web.sock; } }"
    found = stepping(more=other)
    with pytest.raises(Refused, match="already serves app"):
        getattr(found, step)()


def test_settings_that_cannot_be_read_are_refused(stepping, monkeypatch):
    def unreadable(service):
        raise Unreadable("KeyError")

    monkeypatch.setattr(steps.settings, "read_old", unreadable)
    with pytest.raises(Refused, match=r"gunicorn.service cannot be read: KeyError\. Nothing was changed\."):
        stepping().copied()


def test_a_service_without_a_queue_is_a_warning(stepping, services):
    assert stepping().copied() and stepping().warnings == []
    services["gunicorn.service"] = replace(services["gunicorn.service"], sockets=())
    found = stepping()
    found.copied()
    assert "because gunicorn.service opens unix:/run/gunicorn.sock itself" in found.warnings[0]


def test_the_action_plugin_gets_the_names_of_the_old_certificate(stepping, tmp_path, monkeypatch):
    found = stepping()
    monkeypatch.setattr(found, "_certificate", lambda: "PEM")
    monkeypatch.setattr(steps.certificates, "describe", lambda pem: SimpleNamespace(names=["hand.test"]))
    assert found.switched() == {
        **{"changed": False, "conf_dir": str(tmp_path), "certified": {"shop": ["hand.test"]}, "symlinks": {}}
    }


def test_key_and_certificate_of_the_old_site_become_one_text(stepping, site, tmp_path):
    (tmp_path / "key").write_text("KEY\n\n")
    (tmp_path / "full").write_text("CERTIFICATE")
    text = site.replace("/etc/letsencrypt/live/hand.test/fullchain.pem", "full")
    text = text.replace("/etc/letsencrypt/live/hand.test/privkey.pem", f"{tmp_path}/key")
    assert stepping(text)._certificate() == "KEY\nCERTIFICATE\n"


def test_an_app_that_is_not_deployed_is_refused(stepping, monkeypatch):
    found = stepping(rendered={"sites": {}})
    monkeypatch.setattr(found, "_certificate", lambda: "")
    with pytest.raises(Refused, match="shop is not deployed on this host"):
        found.switched()


def test_https_must_not_be_lost(stepping, monkeypatch):
    found = stepping(rendered={"sites": {"shop": {}}})
    monkeypatch.setattr(found, "_certificate", lambda: "PEM")
    monkeypatch.setattr(App, "is_complete", lambda self, identifier: True)
    monkeypatch.setattr(steps.settings, "read_new", lambda app: PROJECT)
    monkeypatch.setattr(steps.copies, "plan", lambda *projects: [])
    with pytest.raises(Refused, match="the hand-made site has HTTPS"):
        found.switched()


def test_units_and_renewal_are_retired_once_the_site_is_live(stepping, live, monkeypatch):
    record = retirement.Record(["hand.test"], ["x.service"], {}, "", "")
    known = SimpleNamespace(sites={"shop": {"tls": {"mode": "acme"}}})
    monkeypatch.setattr(steps.generation, "read_base", lambda conf_dir: known)
    calls = []
    monkeypatch.setattr(steps.retirement, "due", lambda run, record, sites: ["stop x.service"])
    monkeypatch.setattr(steps.retirement, "finish", lambda run, record, sites: calls.append(sites) or ["a warning"])
    found = stepping("", check_mode=False)
    found.record = record
    assert found.finished() == {"changed": True, "is_due": False, "plan": ["stop x.service"]}
    assert (calls, found.warnings) == ([["shop"]], ["a warning"])


@pytest.mark.parametrize("error", ["", "nginx refuses it"])
def test_the_switch_is_recorded_as_a_change_of_the_app(stepping, monkeypatch, tmp_path, error):
    def go(*_arguments):
        if error:
            raise Refused(error)
        return {"changed": True}

    found = stepping(check_mode=False, rendered={"sites": {"shop": {}}})
    release = found.app.release("abc-1")
    os.makedirs(release)
    os.symlink("releases/abc-1", found.app.link)
    for name, text in ((".complete", ""), ("release.json", '{"revision": "abc"}')):
        with open(os.path.join(release, name), "w", encoding="utf-8") as file:
            file.write(text)
    found.tools = SimpleNamespace(phases={})
    monkeypatch.setattr(history, "DIRECTORY", tmp_path / "history")
    monkeypatch.setattr(found, "_certificate", lambda: "")
    monkeypatch.setattr(found, "_switch_of", lambda _plan: SimpleNamespace(go=go))
    monkeypatch.setattr(steps, "locked", lambda _name: nullcontext())
    monkeypatch.setattr(steps.settings, "read_new", lambda _app: PROJECT)
    monkeypatch.setattr(steps.copies, "plan", lambda *_projects: [])
    monkeypatch.setattr(steps.copies, "warnings", lambda *_projects: [])
    monkeypatch.setattr(steps.ownership, "decide_nginx_conf", lambda *_arguments: (False, []))
    monkeypatch.setattr(steps, "make_plan", lambda *_arguments: SimpleNamespace(warnings=[]))
    monkeypatch.setattr(steps, "Copier", lambda *_arguments: None)
    with pytest.raises(Refused) if error else nullcontext():
        found.switched()
    (event,) = history.History("shop").read(is_running=False)
    assert [event[name] for name in ("action", "before", "release", "revision", "by", "result", "error")] == [
        *("takeover", "gunicorn.service", "abc-1", "abc", "alice@laptop", "failed" if error else "ok", error),
    ]
