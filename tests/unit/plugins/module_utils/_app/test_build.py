"""A release is built, and cleaned up when a phase fails."""

from __future__ import annotations

import grp
import io
import json
import os
import pwd
import stat
import subprocess
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import build as building
from ansible_collections.gatehouse.django.plugins.module_utils._app import dependencies, report, shared_tools, source
from ansible_collections.gatehouse.django.plugins.module_utils._app import venv as venvs
from ansible_collections.gatehouse.django.plugins.module_utils._app.interpreter import Interpreter
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.store import VENV_MARK, put_aside
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools

# Numbers that this machine does not have.
BUILDER, USER = 4_242_002, 4_242_001
PHASES = dict.fromkeys(sorted(report.PHASES), 0.1)
REPORT = {"phase": "migrate", "phases": PHASES, "check": "", "health_host": "shop.example.com", "static_files": 1}
REPORT |= {"migrations": ["shop.0002"], "known_migrations": ["shop.0001", "shop.0002"]}
ACCESS = {"credentials": [{"url": "", "authorization": "", "deploy_key": ""}], "known_hosts": ""}
PRIVATE = {
    "environment": {"SECRET": "s3cr3t", "PYTHONPATH": "/more"},
    "authorization": "",
    "hidden": ["s3cr3t"],
    "access": ACCESS,
}
PRIVATE |= {"build_environment": {}, "python": {"mirror": "https://mirror.example.com"}}
PRIVATE |= {"project_files": {"conf/local.cfg": "password = s3cr3t\n"}, "variables": {"TOKEN": "secrets"}}
PLAN = {
    "revision": "abc",
    "digest": "0123456789abcdef",
    "venv_digest": "v",
    "files": {"gunicorn.conf.py": "workers = 1\n"},
    "units": {"/etc/systemd/system/shop-web@.service": "[Service]"},
    "sandbox": ["User=shop"],
    "server": "gunicorn",
    "uv": "uv==1.2",
    "exporters": {},
    "health": {"host": "", "path": "/", "status": [], "timeout": 30},
    "node": "",
    "build": [],
    "release_commands": [],
    "first_commands": [],
    "has_admin": False,
}
PARAMS = {
    "source": {"pypi": "shop==1.0", "subdirectory": ""},
    "upload": None,
    "requirements": [],
    "requirements_file": "",
    "constraints": [],
    "check_deploy": "ERROR",
    "check_ignore": [],
    "database": "",
    "migrate_databases": ["default", "queue"],
    "application": "shop.wsgi:application",
    "writable": [],
    "plan": PLAN,
}
INTERPRETER = Interpreter("3.13.5", "/python3")
OF_UV = Interpreter("3.12.4", key="3.12.4-uv-1.2")


@pytest.fixture
def app(tmp_path, monkeypatch):
    app = App("shop", str(tmp_path))
    for path in (app.releases, app.venvs, app.cache):
        os.makedirs(path)
    numbers = {"shop": USER, "shop-build": BUILDER}
    monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=numbers[name], pw_gid=numbers[name]))
    monkeypatch.setattr(grp, "getgrnam", lambda name: SimpleNamespace(gr_gid=numbers[name]))
    monkeypatch.setattr(venvs, "install_uv", lambda *_arguments: "/uv")
    monkeypatch.setattr(shared_tools, "locked", nullcontext)
    return app


class Host:
    """Does what the builder's commands and the preparation leave on the disk."""

    def __init__(self, code=0, said="", **reported):
        self.code, self.said, self.reported, self.calls, self.built = code, said, reported, [], []
        self.plant = lambda _venv: None

    def __call__(self, argv, data=None, **_options):
        self.calls.append(argv)
        if argv[0] in ("cp", "chown"):
            subprocess.run(argv, check=True)
        if argv[0] != "systemd-run":
            return 0, "", ""
        if not any("gatehouse_prepare.py" in word for word in argv):
            return 0, "", ""
        static = next(word for word in argv if word.startswith("--property=ReadWritePaths=")).rpartition("=")[2]
        path = os.path.join(static, "style.css")
        with open(path, "w", encoding="utf-8"):
            pass
        os.chown(path, USER, USER)
        os.chmod(path, 0o600)
        return self.code, "noise\n" + json.dumps({"token": data} | REPORT | self.reported), self.said

    def make_venv(self, _builder, _uv, _python, venv, _found, wanted, server, _exporter, _variables):
        self.built.append((venv, wanted, server))
        os.makedirs(os.path.join(venv, "bin"), exist_ok=True)
        os.chown(os.path.join(venv, "bin"), BUILDER, BUILDER)
        self.plant(venv)


class Builder:
    """Runs nothing."""

    def __init__(self):
        self.calls = []

    def run(self, argv, **options):
        self.calls.append((argv, options))
        return ""


def build(app, host=None, params=None, python=INTERPRETER, identifier="abc-1"):
    host = host or Host()
    made = building.Build(
        Tools(host, {}, PRIVATE["hidden"]), app, Builder(), identifier, {**PARAMS, **(params or {})}, PRIVATE
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(venvs, "make_venv", host.make_venv)
        return made.run(python, lambda _url: io.BytesIO()), host.calls


def test_a_release(app):
    record, calls = build(app)
    path = app.release("abc-1")
    assert app.is_complete("abc-1")
    names = [".complete", "env", "gatehouse", "project", "release.json", "src", "static", "venv"]
    assert sorted(os.listdir(path)) == names
    assert os.readlink(os.path.join(path, "project")) == "src"
    assert record["health"] == PLAN["health"] | {"host": "shop.example.com", "host_from": "settings"}
    assert app.record("abc-1")["units"] == PLAN["units"]
    assert (app.revision("abc-1"), app.configuration("abc-1")) == ("abc", "0123456789ab")
    assert app.record("abc-1")["migrations"] == ["shop.0002"]
    assert "s3cr3t" not in open(os.path.join(path, "release.json"), encoding="utf-8").read()
    sandboxed, compressing = (call for call in calls if call[0] == "systemd-run")
    assert compressing[-2:] == [os.path.join(path, "static"), os.path.join(app.home, "current", "static")]
    assert "--property=User=shop" in sandboxed
    assert sandboxed[-2:] == ["default,queue", "30"]
    assert "--property=EnvironmentFile=" + os.path.join(path, "env") in sandboxed
    assert not any("s3cr3t" in word for call in calls for word in call)


def test_a_release_notes_the_interpreter_of_uv_before_it_is_installed(app, monkeypatch):
    asked = []

    def ensure(_pythons, interpreter, uv, environment, mirror):
        link = os.path.join(app.release("abc-1"), "python")
        asked.append((interpreter, uv, environment, mirror, os.readlink(link)))
        return "/opt/python3.12"

    monkeypatch.setattr(shared_tools.ManagedPythons, "ensure", ensure)
    host = Host()
    build(app, host, python=OF_UV)
    link = "/opt/gatehouse/python/3.12.4-uv-1.2"
    assert asked == [(OF_UV, "/uv", {}, "https://mirror.example.com", link)]
    build_of_another = Interpreter("3.12.4", key="3.12.4-0123456789ab")
    os.remove(os.path.join(app.release("abc-1"), ".complete"))
    build(app, host, python=build_of_another)
    # The environment of one build is not used with another one.
    assert len({venv for venv, _wanted, _server in host.built}) == 2


def test_an_interpreter_that_cannot_be_installed_leaves_no_candidate(app, monkeypatch):
    def refuse(*_arguments):
        raise ReleaseError("Hash mismatch")

    monkeypatch.setattr(shared_tools.ManagedPythons, "ensure", refuse)
    os.symlink("releases/old", app.link)
    with pytest.raises(ReleaseError, match="phase 'python': Hash mismatch"):
        build(app, python=OF_UV)
    assert os.listdir(app.releases) == []
    assert app.failures() == []


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


def test_a_phase_that_fails_leaves_no_release_and_says_which(app):
    host = Host(code=1, said="the table is locked by s3cr3t")
    with pytest.raises(ReleaseError, match="phase 'migrate': the table is locked by ") as caught:
        build(app, host)
    assert "s3cr3t" not in str(caught.value)
    assert os.listdir(app.releases) == []


def test_a_phase_that_fails_after_the_migrations_says_so(app):
    phases = {"plan": 0.1, "migrate": 0.2, "check": 0.1}
    with pytest.raises(ReleaseError, match="phase 'check': no\\nThe migrations of this release were applied before"):
        build(app, Host(code=1, said="no", phase="check", phases=phases))


def test_a_failed_candidate_is_kept(app):
    with pytest.raises(ReleaseError, match=f"The candidate is kept in {app.failed}/abc-1"):
        build(app, Host(code=1, said="no"))
    assert (os.listdir(app.releases), app.failures()) == ([], ["abc-1"])


def test_two_failures_are_kept(app):
    os.symlink("releases/old", app.link)
    for number, name in enumerate(["a", "b", "c"]):
        os.mkdir(app.release(name))
        put_aside(app, name)
        os.utime(os.path.join(app.failed, name), (number, number))
    assert sorted(app.failures()) == ["b", "c"]


def test_a_killed_process_is_explained(app):
    with pytest.raises(ReleaseError, match=r"(?s)phase 'prepare': .*SIGKILL ended it\. .* limits: "):
        build(app, Host(code=137, token="lost"))


def test_a_process_that_exits_early_has_failed(app):
    with pytest.raises(ReleaseError, match=r"phase 'prepare': .*os\._exit"):
        build(app, Host(token="forged"))
    with pytest.raises(ReleaseError, match=r"phase 'check': .*os\._exit"):
        build(app, Host(phase="check", phases={"check": 0.1}))
    assert os.listdir(app.releases) == []


def test_a_report_that_does_not_match_the_disk_is_refused(app):
    with pytest.raises(ReleaseError, match="the process reported 2 static files, but the release has 1"):
        build(app, Host(static_files=2))


def test_incomplete_releases_are_removed_and_complete_ones_stay(app):
    os.mkdir(app.release("half"))
    os.mkdir(app.release("whole"))
    with open(os.path.join(app.release("whole"), ".complete"), "w", encoding="utf-8"):
        pass
    build(app)
    assert sorted(os.listdir(app.releases)) == ["abc-1", "whole"]


def test_a_missing_subdirectory(app):
    with pytest.raises(
        ReleaseError, match="phase 'source': source: subdirectory 'backend' does not exist in the source"
    ):
        build(app, params={"source": {"pypi": "shop==1.0", "subdirectory": "backend"}})


def test_only_archives_are_unwrapped(app, monkeypatch, tmp_path):
    unwrapped, unpacked = [], []
    (tmp_path / "upload").write_text("x")

    def unpack(_builder, _python, archive, _target):
        found = os.stat(archive)
        unpacked.append((found.st_uid, stat.S_IMODE(found.st_mode)))

    monkeypatch.setattr(source, "unpack", unpack)
    monkeypatch.setattr(source, "unwrap", unwrapped.append)
    build(app, params={"source": {"directory": "/code"}, "upload": str(tmp_path / "upload")})
    assert unwrapped == []
    os.remove(os.path.join(app.release("abc-1"), ".complete"))
    build(app, params={"source": {"archive": "/code.zip"}, "upload": str(tmp_path / "upload")})
    assert len(unwrapped) == 1
    assert unpacked == [(BUILDER, 0o400)] * 2
    assert not os.path.exists(os.path.join(app.release("abc-1"), "archive"))


def state(path):
    found = os.lstat(path)
    return found.st_uid, found.st_gid, oct(stat.S_IMODE(found.st_mode))


def test_a_release_belongs_to_root_and_nginx_can_read_static_files(app):
    build(app)
    path = app.release("abc-1")
    assert state(os.path.join(path, "static", "style.css")) == (0, 0, "0o644")
    assert state(os.path.join(path, "static")) == (0, 0, "0o755")
    assert state(os.path.join(path, "src")) == (0, USER, "0o750")
    assert state(os.path.join(path, "env"))[:2] == (0, USER)
    # Only the app can enter its parent; the building user sees it in the sandbox.
    assert state(os.path.realpath(os.path.join(path, "venv"))) == (0, USER, "0o755")
    assert state(os.path.join(path, "release.json"))[2] == "0o600"


def test_releases_share_only_complete_environments(app):
    host = Host()
    build(app, host)
    (name,) = (entry for entry in os.listdir(app.venvs) if not entry.endswith(VENV_MARK))
    venv = os.path.join(app.venvs, name)
    assert host.built == [(venv, ["shop==1.0"], "gunicorn")]
    assert os.path.realpath(os.path.join(app.release("abc-1"), "venv")) == os.path.realpath(venv)
    os.remove(os.path.join(app.release("abc-1"), ".complete"))
    build(app, host)
    assert len(host.built) == 1
    newer = Interpreter("3.13.6", "/python3")
    for params, python in (({"plan": PLAN | {"venv_digest": "w"}}, INTERPRETER), ({}, newer)):
        os.remove(os.path.join(app.release("abc-1"), ".complete"))
        build(app, host, params, python)
    assert len({venv for venv, _wanted, _server in host.built}) == 3


@pytest.mark.parametrize("name", [".complete", "bin/.complete"])
def test_an_environment_cannot_mark_itself_as_complete(app, tmp_path, name):
    (tmp_path / "passwd").write_text("root")
    host = Host()

    def plant(venv):
        for place, target in ((name, tmp_path / "passwd"), ("pipe", None)):
            path = os.path.join(venv, place)
            os.symlink(target, path) if target else os.mkfifo(path)
            os.chown(path, BUILDER, BUILDER, follow_symlinks=False)

    host.plant = plant
    for built in (1, 2):
        with pytest.raises(ReleaseError, match=r"phase 'dependencies': .*pipe' is neither a file"):
            build(app, host)
        assert len(host.built) == built
    host.plant = lambda venv: (plant(venv), os.remove(os.path.join(venv, "pipe")))
    build(app, host)
    assert (tmp_path / "passwd").read_text() == "root"


def test_an_environment_of_the_source_belongs_to_the_release(app, monkeypatch, tmp_path):
    (tmp_path / "upload").write_text("x")

    def unpack(_builder, _python, _archive, target):
        with open(os.path.join(target, "requirements.txt"), "w", encoding="utf-8") as file:
            file.write("./lib")
        os.chown(file.name, BUILDER, BUILDER)

    monkeypatch.setattr(source, "unpack", unpack)
    host = Host()
    build(app, host, {"source": {"directory": "/code"}, "upload": str(tmp_path / "upload")})
    assert host.built[0][0] == os.path.join(app.release("abc-1"), "venv")
    assert os.listdir(app.venvs) == []
    assert not os.path.islink(host.built[0][0])
    assert state(host.built[0][0]) == (0, USER, "0o750")


def test_a_failed_candidate_lends_its_environment_to_the_next_one(app, monkeypatch, tmp_path):
    (tmp_path / "upload").write_text("x")
    lock = ["version = 1"]

    def unpack(_builder, _python, _archive, target):
        for name, text in (("uv.lock", lock[0]), ("pyproject.toml", "[build-system]\n[tool.uv.sources]\na.path = 'a'")):
            with open(os.path.join(target, name), "w", encoding="utf-8") as file:
                file.write(text)
            os.chown(file.name, BUILDER, BUILDER)

    monkeypatch.setattr(source, "unpack", unpack)
    seen = []
    host = Host(1)

    def plant(venv):
        script = os.path.join(venv, "bin", "gunicorn")
        if os.path.exists(script):
            with open(script, encoding="utf-8") as file:
                seen.append((file.readline().strip(), state(script)[0]))
        else:
            seen.append(())
            with open(script, "w", encoding="utf-8") as file:
                file.write(f"#!{venv}/bin/python\n")
            os.chown(script, BUILDER, BUILDER)

    host.plant = plant
    params = {"source": {"directory": "/code"}, "upload": str(tmp_path / "upload")}
    with pytest.raises(ReleaseError):
        build(app, host, params, identifier="abc-1")
    host.code = 0
    build(app, host, params, identifier="abc-2")
    venv = os.path.join(app.release("abc-2"), "venv")
    assert seen == [(), (f"#!{venv}/bin/python", BUILDER)]
    assert state(os.path.join(venv, "bin", "gunicorn")) == (0, USER, "0o640")
    lock[0] = "version = 2"
    build(app, host, params, identifier="abc-3")
    assert seen[2] == ()


@pytest.mark.parametrize(
    ("name", "is_list"),
    [
        *((name, True) for name in ("uv.lock", "pyproject.toml", "requirements.txt", "requirements.in", "a/b/uv.lock")),
        *((name, True) for name in ("requirements-dev.txt", "requirements/base.txt", "requirements/a/b.txt")),
        *((name, True) for name in ("poetry.lock", "pdm.lock", "Pipfile.lock", "Pipfile", "a/pylock.prod.toml")),
        *((name, True) for name in ("backend/requirements/prod.txt", "constraints.txt", "constraints-3.13.txt")),
        *((name, False) for name in ("local.py", ".env", "secrets.txt", "uv.lock.bak", "my-uv.lock", "uv.lock/secret")),
        *(
            (name, False)
            for name in ("requirements.py", "requirements/", "requirements/secret.json", "xpyproject.toml")
        ),
        *((name, False) for name in ("requirements.txt/secret.key", "not-requirements.txt", "conf/constraints.py")),
    ],
)
def test_only_lists_exist_while_dependencies_are_installed(name, is_list):
    assert dependencies.Options().reads(name) is is_list


def test_no_expression_takes_long_for_a_name():
    assert not dependencies.Options().reads("requirements" + "/a" * 20_000)
    assert not dependencies.Options().reads("a/" * 20_000)


def test_other_files_are_written_after_untrusted_code_has_run(app, monkeypatch):
    seen = []
    host = Host()
    host.plant = lambda _venv: seen.append(sorted(os.listdir(os.path.join(app.release("abc-1"), "src"))))
    monkeypatch.setitem(PRIVATE["project_files"], "requirements.txt", "Django")
    build(app, host)
    assert seen == [["requirements.txt"]]
    assert os.path.exists(os.path.join(app.release("abc-1"), "src", "conf", "local.cfg"))


def test_all_findings_of_a_check_that_failed_are_kept_without_secrets(app):
    host = Host(code=1, said="noise", phase="check", phases={"check": 0.1}, error="shop.E001: no", check="all s3cr3t")
    with pytest.raises(ReleaseError, match=r"phase 'check': shop.E001: no\nThe file check.txt of the candidate"):
        build(app, host)
    path = os.path.join(app.failed, "abc-1", "check.txt")
    assert open(path, encoding="utf-8").read() == "all ********\n"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def options(calls):
    (prepare,) = (call for call in calls if any(word.endswith("gatehouse_prepare.py") for word in call))
    return json.loads(prepare[-5])


def test_the_options_of_the_preparation(app):
    _record, calls = build(app, params={"check_ignore": ["shop.E001"]})
    wanted = {"check_deploy": "ERROR", "check_ignore": ["shop.E001"], "variables": ["TOKEN"]}
    wanted |= {"limit": 3600, "is_new": False, "database": "", "is_remote": False, "part": "all"}
    assert options(calls) == wanted


class TwoParts(Host):
    """Reports the part that each process is asked for."""

    def __call__(self, argv, data=None, **others):
        if any("gatehouse_prepare.py" in word for word in argv):
            part = json.loads(argv[-5])["part"]
            self.calls.append(part)
            names = PHASES.keys() - {"migrate"} if part == "before" else {"settings", "plan", "migrate"}
            self.reported = {"phase": "plan" if part == "before" else "migrate", "phases": dict.fromkeys(names, 0.1)}
            self.reported |= {"migrations": ["shop.0002"]}
        return super().__call__(argv, data, **others)


@pytest.mark.parametrize("is_refused", [False, True])
def test_what_is_called_before_a_migration_can_refuse_it(app, monkeypatch, is_refused):
    def before(build, found):
        assert found.migrations == ["shop.0002"]
        host.calls.append("called")
        if is_refused:
            raise ReleaseError("too long")

    host = TwoParts()
    init = building.Build.__init__

    def with_callback(self, *arguments):
        init(self, *arguments)
        self.before_migration = before

    monkeypatch.setattr(building.Build, "__init__", with_callback)
    if is_refused:
        with pytest.raises(ReleaseError, match="too long"):
            build(app, host)
    else:
        build(app, host)
    texts = [call for call in host.calls if isinstance(call, str)]
    assert texts == (["before", "called"] if is_refused else ["before", "called", "migrate"])


def test_the_preparation_knows_the_database_that_the_project_must_use(app):
    _record, calls = build(app, params={"database": {"engine": "postgresql"}})
    assert (options(calls)["database"], options(calls)["is_remote"]) == (app.name, False)


def test_the_preparation_knows_that_the_database_is_on_another_host(app):
    _record, calls = build(app, params={"database": {"engine": "postgresql", "host": "db1"}})
    assert options(calls)["is_remote"]


def test_each_command_has_a_time_limit_except_the_one_that_migrates(app):
    _record, calls = build(app)
    unlimited = [call for call in calls if call[0] == "systemd-run" and "--property=RuntimeMaxSec=3600" not in call]
    assert [call[-6].rpartition("/")[2] for call in unlimited] == ["gatehouse_prepare.py"]


@pytest.mark.parametrize(
    ("phase", "again"), [({"phase": "migrate", "phases": {"plan": 1, "migrate": 1}}, True), ({"phase": "check"}, False)]
)
def test_databases_that_were_migrated_in_part_are_still_new(app, phase, again):
    with pytest.raises(ReleaseError):
        build(app, Host(code=1, said="no", is_new=True, **phase))
    _record, calls = build(app)
    assert options(calls)["is_new"] is again
    os.symlink("releases/abc-1", app.link)
    os.remove(os.path.join(app.release("abc-1"), ".complete"))
    assert options(build(app)[1])["is_new"] is False


def test_only_variables_of_the_inventory_are_reported(app):
    with pytest.MonkeyPatch.context() as patched:
        made = []
        run = building.Build.run
        patched.setattr(building.Build, "run", lambda self, *given: (made.append(self), run(self, *given))[1])
        build(app, Host(unused=["TOKEN", "EVIL\nNAME"], ignored=["shop.E001"]))
    assert (made[0].unused, made[0].ignored_checks) == (["TOKEN"], ["shop.E001"])
