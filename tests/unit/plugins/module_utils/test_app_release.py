"""How a release is built, and what is left when a phase fails."""

from __future__ import annotations

import grp
import io
import json
import os
import pwd
import stat
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils import _app_release, _app_source, _app_venv
from ansible_collections.gatehouse.django.plugins.module_utils._app_host import App
from ansible_collections.gatehouse.django.plugins.module_utils._app_run import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app_store import put_aside

REPORT = {"phase": "migrate", "phases": {"check": 0.1}, "check": "", "health_host": "shop.example.com"}
REPORT |= {"migrations": ["shop.0002"], "known_migrations": ["shop.0001", "shop.0002"]}
PREPARED = (0, "noise\n" + json.dumps(REPORT), "")
PRIVATE = {"environment": {"SECRET": "s3cr3t", "PYTHONPATH": "/more"}, "authorization": "", "hidden": ["s3cr3t"]}
PRIVATE |= {"project_files": {"conf/local.cfg": "password = s3cr3t\n"}}
PARAMS = {
    "source": {"pypi": "shop==1.0", "subdirectory": ""},
    "revision": "abc",
    "upload": None,
    "requirements": [],
    "files": {"gunicorn.conf.py": "workers = 1\n"},
    "sandbox": ["User=shop"],
    "server": "gunicorn",
    "uv": "1.2",
    "check_deploy": "ERROR",
    "migrate_databases": ["default", "queue"],
    "application": "shop.wsgi:application",
    "units": {"/etc/systemd/system/shop-web@.service": "[Service]"},
    "health": {"host": "", "path": "/", "status": [], "timeout": 30},
}


@pytest.fixture
def app(tmp_path, monkeypatch):
    app = App("shop", str(tmp_path))
    os.makedirs(app.releases)
    own = SimpleNamespace(pw_uid=os.getuid(), gr_gid=os.getgid())
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: own)
    monkeypatch.setattr(grp, "getgrnam", lambda _name: own)
    for name in ("chown", "lchown", "fchown"):
        monkeypatch.setattr(os, name, lambda *_arguments: None)
    monkeypatch.setattr(_app_venv, "install_uv", lambda *_arguments: "/uv")
    monkeypatch.setattr(_app_venv, "make_venv", lambda *_arguments: None)
    return app


def build(app, answer=PREPARED, params=None):
    calls = []

    def run_command(argv, **_options):
        calls.append(argv)
        return answer if argv[0] == "systemd-run" else (0, "", "")

    made = _app_release.Build(
        Tools(run_command, {}, PRIVATE["hidden"]), app, "abc-1", {**PARAMS, **(params or {})}, PRIVATE
    )
    return made.run("/python3", lambda _url: io.BytesIO()), calls


def test_a_release(app):
    record, calls = build(app)
    path = app.release("abc-1")
    assert app.is_complete("abc-1")
    assert sorted(os.listdir(path)) == [".complete", "env", "gatehouse", "project", "release.json", "src", "static"]
    assert os.readlink(os.path.join(path, "project")) == "src"
    assert record["health"] == PARAMS["health"] | {"host": "shop.example.com"}
    assert app.record("abc-1")["units"] == PARAMS["units"]
    assert app.record("abc-1")["migrations"] == ["shop.0002"]
    assert "s3cr3t" not in open(os.path.join(path, "release.json"), encoding="utf-8").read()
    (sandboxed,) = (call for call in calls if call[0] == "systemd-run")
    assert "--property=User=shop" in sandboxed
    assert sandboxed[-2:] == ["default,queue", "30"]
    assert "--property=EnvironmentFile=" + os.path.join(path, "env") in sandboxed
    assert not any("s3cr3t" in word for call in calls for word in call)


def test_the_environment_file_is_for_root_and_the_app(app):
    build(app)
    path = os.path.join(app.release("abc-1"), "env")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
    lines = open(path, encoding="utf-8").read().splitlines()
    assert 'SECRET="s3cr3t"' in lines
    assert f'PYTHONPATH="{app.release("abc-1")}/project:{app.release("abc-1")}/gatehouse:/more"' in lines
    assert 'GATEHOUSE_RELEASE="abc-1"' in lines


def test_a_file_of_the_inventory_is_for_root_and_the_app(app):
    build(app)
    path = os.path.join(app.release("abc-1"), "project", "conf", "local.cfg")
    assert open(path, encoding="utf-8").read() == "password = s3cr3t\n"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640


def test_a_phase_that_fails_leaves_nothing_and_says_which(app):
    answer = (1, json.dumps(REPORT), "the table is locked by s3cr3t")
    with pytest.raises(ReleaseError, match="phase 'migrate': the table is locked by ") as caught:
        build(app, answer)
    assert "s3cr3t" not in str(caught.value)
    assert os.listdir(app.releases) == []


def test_a_phase_that_fails_after_the_migrations_says_so(app):
    report = {"phase": "check", "phases": {"plan": 0.1, "migrate": 0.2, "check": 0.1}}
    with pytest.raises(ReleaseError, match="phase 'check': no\\nIts migrations are applied"):
        build(app, (1, json.dumps(report), "no"))


def test_beside_a_release_that_is_served_the_failed_one_is_kept_for_a_look(app):
    os.symlink("releases/old", app.link)
    with pytest.raises(ReleaseError, match=f"It is kept for a look in {app.failed}/abc-1"):
        build(app, (1, json.dumps(REPORT), "no"))
    assert (os.listdir(app.releases), app.failures()) == ([], ["abc-1"])


def test_two_failures_are_kept(app):
    os.symlink("releases/old", app.link)
    for number, name in enumerate(["a", "b", "c"]):
        os.mkdir(app.release(name))
        put_aside(app, name)
        os.utime(os.path.join(app.failed, name), (number, number))
    assert sorted(app.failures()) == ["b", "c"]


def test_a_process_that_dies_without_a_word(app):
    with pytest.raises(ReleaseError, match="phase 'prepare': the process ended with 137"):
        build(app, (137, "", ""))


def test_abandoned_releases_go_and_complete_ones_stay(app):
    os.mkdir(app.release("half"))
    os.mkdir(app.release("whole"))
    with open(os.path.join(app.release("whole"), ".complete"), "w", encoding="utf-8"):
        pass
    build(app)
    assert sorted(os.listdir(app.releases)) == ["abc-1", "whole"]


def test_a_missing_subdirectory(app):
    with pytest.raises(ReleaseError, match="phase 'source': source: there is no subdirectory 'backend'"):
        build(app, params={"source": {"pypi": "shop==1.0", "subdirectory": "backend"}})


def test_only_archives_are_unwrapped(app, monkeypatch):
    unwrapped = []
    monkeypatch.setattr(_app_source, "unpack", lambda _tools, _archive, _target: None)
    monkeypatch.setattr(_app_source, "unwrap", unwrapped.append)
    build(app, params={"source": {"directory": "/code"}, "upload": "/tmp/source"})
    assert unwrapped == []
    os.remove(os.path.join(app.release("abc-1"), ".complete"))
    build(app, params={"source": {"archive": "/code.zip"}, "upload": "/tmp/source"})
    assert len(unwrapped) == 1


def test_what_the_app_wrote_can_be_read_by_nginx(tmp_path, monkeypatch):
    owners = []
    monkeypatch.setattr(os, "lchown", lambda path, user, group: owners.append((os.path.basename(path), user, group)))
    (tmp_path / "css").mkdir(mode=0o700)
    (tmp_path / "css" / "style.css").touch(mode=0o600)
    (tmp_path / "link").symlink_to("/etc/shadow")
    _app_release.give_to_root(str(tmp_path))
    assert stat.S_IMODE((tmp_path / "css").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "css" / "style.css").stat().st_mode) == 0o644
    assert sorted(owners) == sorted((name, 0, 0) for name in (tmp_path.name, "css", "style.css", "link"))
