"""The module django_rollback: targets and refusals."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
from ansible.module_utils import basic
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.modules import django_rollback as module


@pytest.fixture
def app(tmp_path):
    """Releases that were served in the order of their names, and one that never was."""
    app = App("shop", str(tmp_path))
    for number, name in enumerate(["first", "second", "third", "never"]):
        os.makedirs(app.release(name))
        for mark in (".complete", *([".activated"] if name != "never" else [])):
            path = os.path.join(app.release(name), mark)
            with open(path, "w", encoding="utf-8"):
                pass
            os.utime(path, (number, number))
    os.symlink("releases/third", app.link)
    return app


@pytest.mark.parametrize(("wanted", "found"), [("previous", "second"), ("first", "first"), ("third", "third")])
def test_a_release_is_resolved(app, wanted, found):
    assert module.resolve_target(app, wanted) == found


def test_a_release_is_resolved_by_the_part_that_all_hosts_have_in_common(app):
    os.rename(app.release("second"), app.release("abc-12"))
    assert module.resolve_target(app, "abc") == "abc-12"


def test_a_source_with_several_configurations_is_refused(app):
    os.rename(app.release("first"), app.release("abc-12"))
    os.rename(app.release("second"), app.release("abc-34"))
    ids = r"'abc' names 2 releases of the same source, .*: abc-34, abc-12\. Name one of them\. Nothing was changed"
    with pytest.raises(ReleaseError, match=ids):
        module.resolve_target(app, "abc")
    assert module.resolve_target(app, "abc-12") == "abc-12"
    os.unlink(app.link)
    os.symlink("releases/abc-34", app.link)
    # The release that is served is one of them: to go on with it would do nothing, and report success.
    with pytest.raises(ReleaseError, match=r"abc-34 \(served\), abc-12"):
        module.resolve_target(app, "abc")
    assert module.resolve_target(app, "previous") == "third"


def test_a_release_that_was_never_served_is_not_a_rollback_target(app):
    with pytest.raises(
        ReleaseError, match=r"'never' does not exist or was never served\. Available releases: second, first"
    ):
        module.resolve_target(app, "never")


def test_a_message_names_only_ten_releases(app):
    for number in range(20):
        path = app.release(f"more{number}")
        os.makedirs(path)
        for mark in (".complete", ".activated"):
            with open(os.path.join(path, mark), "w", encoding="utf-8"):
                pass
    with pytest.raises(ReleaseError, match=r"Available releases: (\w+, ){9}\w+\. 12 older releases are in ") as caught:
        module.resolve_target(app, "gone")
    assert len(str(caught.value)) < 500


def test_an_app_that_the_host_does_not_serve(tmp_path):
    with pytest.raises(ReleaseError, match=r"this host serves no app 'blog'\. Exclude the host with --limit"):
        module.resolve_target(App("blog", str(tmp_path)), "previous")


def test_a_switch_of_another_run_is_not_undone(app):
    module.check_unchanged(app, "third")
    os.unlink(app.link)
    os.symlink("releases/first", app.link)
    with pytest.raises(
        ReleaseError, match="another run put first into service in place of third while this run waited"
    ):
        module.check_unchanged(app, "third")


@pytest.mark.parametrize("name", ["../etc", "shop-build", "Shop"])
def test_invalid_names_are_refused(name, capsys, monkeypatch):
    given = {"ANSIBLE_MODULE_ARGS": {"app": name, "_ansible_check_mode": True}}
    # What patch_module_args does, which ansible-core 2.18 does not have yet.
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(given).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    with pytest.raises(SystemExit):
        module.main()
    told = json.loads(capsys.readouterr().out)
    assert (told["failed"], f"app: '{name}' is not a valid app name" in told["msg"]) == (True, True)


def test_the_remedy_names_the_migrations_to_return_to(app, monkeypatch):
    old = ["pages.0001_initial", "pages.0002_title", "auth.0001_initial"]
    new = [*old, "pages.0003_date", "tags.0001_initial"]
    records = {"first": {"known_migrations": old}, "third": {"known_migrations": new}}
    monkeypatch.setattr(App, "record", lambda _app, identifier: records[identifier])
    with pytest.raises(ReleaseError, match=r"first predates the migrations pages\.0003_date, tags\.0001") as caught:
        module.check_migrations(app, "first", False)
    assert f"'{app.home}/manage migrate pages 0002_title', '{app.home}/manage migrate tags zero'" in str(caught.value)


def test_a_release_for_another_path_of_the_site_is_refused(app):
    for name, prefix in (("second", "/shop/"), ("third", "/shop/")):
        with open(f"{app.release(name)}/env", "w", encoding="utf-8") as file:
            file.write(f'GATEHOUSE_PREFIX="{prefix}"\n')
    module.check_prefix(app, "second")
    # A release of before there was this variable.
    with pytest.raises(ReleaseError, match=r"first was deployed for the path / of the site, .* release for /shop/: .*"):
        module.check_prefix(app, "first")


@pytest.mark.parametrize("wanted", ["previous", "second"])
def test_a_release_whose_python_is_gone_is_refused(app, wanted):
    venv = f"{app.release('second')}/venv"
    os.makedirs(f"{venv}/lib/python3.1")
    os.makedirs(f"{venv}/bin")
    os.symlink("/nowhere/python3.1", f"{venv}/bin/python")
    with pytest.raises(ReleaseError, match=r"second was built for Python 3\.1, and the host no longer .* Nothing was"):
        module.resolve_target(app, wanted)


def test_a_rollback_over_migrations_names_the_way_back(app):
    for name, known in (("second", ["shop.1"]), ("third", ["shop.1", "shop.2"])):
        record = {"units": {}, "health": {}, "migrations": [], "known_migrations": known, "check": ""}
        with open(os.path.join(app.release(name), "release.json"), "w", encoding="utf-8") as file:
            json.dump(record, file)
    with pytest.raises(ReleaseError, match=r"\(-e ignore_migrations=true\)\. Nothing was changed"):
        module.check_migrations(app, "second", ignore=False)
    path = os.path.join(app.snapshots, "20261126T180000Z")
    os.makedirs(path)
    with open(os.path.join(path, "manifest.json"), "w", encoding="utf-8") as file:
        json.dump({"before": "second", "began": "2026-11-26T18:00:00Z", "already": [], "databases": []}, file)
    command = r"18:00:00 UTC.*rollback -e app=shop -e restore_database=true`\. Nothing was changed"
    with pytest.raises(ReleaseError, match=command):
        module.check_migrations(app, "second", ignore=False)
    assert module.with_database(app, "first") == ""


def test_a_release_that_is_taken_back_was_served_last_when_it_was_before(app, monkeypatch):
    """Otherwise `previous` would be another release on a host that had switched than on the others."""
    before = app.rollback_targets()
    assert before == ["second", "first"]
    # The host had switched to it, and has returned.
    os.utime(f"{app.release('first')}/.activated", (9, 9))
    os.utime(f"{app.release('third')}/.activated", (10, 10))
    assert app.rollback_targets() != before
    done = []
    switch = SimpleNamespace(cancel=lambda: done.append("cancel"))
    for name, value in {
        "Switch": lambda *_arguments, **_more: switch,
        "in_service": lambda *_arguments: False,
        "clean_up_interrupted_run": lambda *_arguments: None,
        "check_migrations": lambda *_arguments: [],
        "locked": lambda _name: nullcontext(),
    }.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module.interrupted_restore, "check", lambda _name: None)
    monkeypatch.setattr(App, "record", lambda _app, _name: {"units": {}})
    monkeypatch.setattr(App, "revision", lambda _app, name: name)
    params = {"release": "first", "ignore_migrations": True, "step": "cancel"}
    given = SimpleNamespace(params={**params, "candidate": {"id": "first", "last_served": 0.5}}, check_mode=False)
    tools = SimpleNamespace(enter=lambda _name: None, phases={})
    history = SimpleNamespace(recorded=lambda *_arguments, **_options: nullcontext({}))
    result = {}
    module.roll_back(given, tools, SimpleNamespace(app=app), history, result)
    assert (done, app.rollback_targets()) == (["cancel"], before)
    assert result["candidate"] == {"id": "first", "last_served": 9}


@pytest.mark.parametrize(("step", "is_refused"), [("all", True), ("cancel", False)])
def test_a_rollback_that_waited_for_a_restore_changes_nothing(app, monkeypatch, step, is_refused):
    entered, done = [], []

    @contextmanager
    def locked(name):
        entered.append(name)
        yield

    def check_none(_app):
        if entered:
            raise ReleaseError("works on this host already")

    monkeypatch.setattr(module, "locked", locked)
    monkeypatch.setattr(module.interrupted_restore, "check", lambda _app: None)
    monkeypatch.setattr(module.interrupted_restore, "check_none", check_none)
    for name in ("check_prefix", "clean_up_interrupted_run"):
        monkeypatch.setattr(module, name, lambda *_words: None)
    monkeypatch.setattr(module, "check_migrations", lambda *_words: [])
    monkeypatch.setattr(module, "in_service", lambda *_words: False)
    switch = SimpleNamespace(**dict.fromkeys(("run", "cancel"), lambda: done.append(step)))
    monkeypatch.setattr(module, "Switch", lambda *_words, **_more: switch)
    monkeypatch.setattr(module, "visit", lambda *_words: [])
    monkeypatch.setattr(App, "revision", lambda *_words: "r1")
    monkeypatch.setattr(App, "record", lambda *_words: {"units": {}})
    params = {"step": step, "release": "previous", "ignore_migrations": False, "candidate": {}}
    given = SimpleNamespace(check_mode=False, params=params)
    history = SimpleNamespace(recorded=lambda *_words, **_more: nullcontext({}))
    tools = SimpleNamespace(enter=lambda _phase: None, phases={})
    with pytest.raises(ReleaseError, match="works on this host") if is_refused else nullcontext():
        module.roll_back(given, tools, SimpleNamespace(app=app), history, {})
    assert done == ([] if is_refused else ["cancel"])


@pytest.mark.parametrize(
    ("step", "strays", "is_ended"), [("all", ["old"], True), ("all", [], False), ("start", ["old"], False)]
)
def test_the_release_that_a_killed_run_left_running_is_stopped(app, monkeypatch, step, strays, is_ended):
    """The killed run had switched already, so nothing else is to be done."""
    ended = []
    values = {
        **{"check_prefix": None, "check_migrations": [], "in_service": True, "stray_units": strays},
        **{"resolve_target": app.current(), "locked": nullcontext()},
    }
    for name, value in values.items():
        monkeypatch.setattr(module, name, lambda *_words, value=value: value)
    monkeypatch.setattr(module, "retire", lambda _tools, _app, current: ended.append(current))
    monkeypatch.setattr(module.interrupted_restore, "check", lambda _app: None)
    monkeypatch.setattr(App, "revision", lambda *_words: "r1")
    params = {"step": step, "release": "previous", "ignore_migrations": False, "candidate": {}}
    given = SimpleNamespace(check_mode=False, params=params)
    result = {}
    module.roll_back(given, SimpleNamespace(), SimpleNamespace(app=app), None, result)
    assert (result["changed"], ended) == (False, [app.current()] if is_ended else [])
