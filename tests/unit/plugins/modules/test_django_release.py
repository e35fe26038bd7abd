"""The module django_release: identifiers, steps and results."""

from __future__ import annotations

import base64
import json
import os
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest
from ansible.module_utils import basic
from ansible_collections.gatehouse.django.plugins.module_utils._app import history, package_index, source_python
from ansible_collections.gatehouse.django.plugins.module_utils._app.interpreter import Interpreter
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core.tree import UntrustedEntry
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal import rehearsal
from ansible_collections.gatehouse.django.plugins.modules import django_release as module

ACCESS = {"credentials": [{"url": "", "authorization": "", "deploy_key": ""}], "known_hosts": ""}
PRIVATE = {
    **{"environment": {}, "project_files": {}, "build_environment": {}, "authorization": "", "access": ACCESS},
    "hidden": ["s3cr3t"],
    "python": {"authorization": "", "mirror": ""},
}
OF_HOST = Interpreter("3.13.5", "/usr/bin/python3")
OF_UV = Interpreter("3.12.4", key="3.12.4-uv-1.2")
PLAN = {
    "revision": "0123456789abcdef",
    "digest": "d",
    "venv_digest": "v",
    "files": {},
    "units": {},
    "sandbox": [],
    "calendars": {},
    "packages": ["git"],
    "server": "gunicorn",
    "uv": "uv==1.2",
    "health": {"host": "", "path": "/", "status": [], "timeout": 30},
    "look_only": False,
    "node": "",
    "build": [],
    "release_commands": [],
    "first_commands": [],
    "has_admin": False,
}
ARGUMENTS = {
    "app": "shop",
    "source": {"pypi": "shop==1.0"},
    "settings_module": "shop.settings",
    "application": "shop.wsgi:application",
    "plan": PLAN,
    "private": json.dumps(PRIVATE),
}


@pytest.fixture
def host(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "App", lambda name: App(name, str(tmp_path)))
    monkeypatch.setattr(history, "DIRECTORY", tmp_path / "history")
    monkeypatch.setattr(module, "choose", lambda _tools, _wanted, _downloads, _fetch: OF_HOST)
    monkeypatch.setattr(module, "stray_units", lambda _tools, _app, _current: [])
    monkeypatch.setattr(module, "in_service", lambda units, identifier: units.app.current() == identifier)
    monkeypatch.setattr(module, "packages_to_install", lambda _module, _tools, _packages: [])
    monkeypatch.setattr(package_index, "requirements", lambda _pinned, _variables: [])
    # The host has the users and the directories of the app, and a group of nginx.
    monkeypatch.setattr(module.accounts, "check", lambda _app, **_options: None)
    monkeypatch.setattr(module.accounts, "outdated", lambda _app: [])
    monkeypatch.setattr(module.directories, "check", lambda _app, _group: None)
    monkeypatch.setattr(module.directories, "outdated", lambda _app, _group: [])
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
    name = module.identify("0123456789abcdef", "d", "3.13")
    assert name.startswith("0123456789ab-")
    assert name != module.identify("0123456789abcdef", "d", "3.14")
    assert name != module.identify("0123456789abcdef", "e", "3.13")
    assert module.identify("", "d", "3.13") == ""


def test_a_missing_release_is_a_change(call):
    told = call()
    assert (told["changed"], told["pending"], told["current"]) == (True, True, "")
    assert told["diff"] == [{"before": "", "after": f"{told['id']}\n"}]


def test_an_existing_release_is_a_change_only_if_users_or_directories_differ(call, host, monkeypatch):
    path = host / "releases" / module.identify(PLAN["revision"], "d", "3.13")
    path.mkdir(parents=True)
    record = {"units": {}, "health": {}, "migrations": [], "known_migrations": [], "check": "fine"}
    (path / "release.json").write_text(json.dumps(record))
    (path / ".complete").touch()
    (host / "current").symlink_to(f"releases/{path.name}")
    told = call()
    assert (told["changed"], told["check"], told["path"]) == (False, "fine", str(path))
    for part in (module.accounts, module.directories):
        with monkeypatch.context() as patched:
            patched.setattr(part, "outdated", lambda *_arguments: ["something"])
            assert call()["pending"] is True


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((ReleaseError, "no s3cr3t"), "no ********"),
        ((UntrustedEntry, "'/srv/shop/data' is a symbolic link"), "'/srv/shop/data' is a symbolic link"),
        (
            (OSError, 28, "No space left on device", "/srv/caf\udce9"),
            "[Errno 28] No space left on device: '/srv/caf\\udce9'",
        ),
    ],
)
def test_an_error_reports_the_served_release_and_no_secret(call, host, monkeypatch, refusal, words):
    (host / "releases").mkdir(parents=True)
    (host / "current").symlink_to("releases/old-1")

    def refuse(_app):
        kind, *arguments = refusal
        raise kind(*arguments)

    monkeypatch.setattr(module.accounts, "check", refuse)
    told = call()
    assert told["msg"] == f"shop: {words}\nState of the host: old-1 is served, as before."
    assert "exception" not in told


def test_an_unexpected_error_is_explained_without_secrets(call, host, monkeypatch):
    monkeypatch.setattr(module.accounts, "check", lambda _app: {}["s3cr3t"])
    told = call()
    assert told["msg"].startswith("Failed while deploying the app shop: KeyError: '********'")
    assert told["msg"].endswith("State of the host: no release is served, as before.")
    assert "s3cr3t" not in json.dumps(told)


def test_git_that_is_not_installed_yet(call, monkeypatch):
    warnings = []
    monkeypatch.setattr(module.AnsibleModule, "warn", lambda _module, text: warnings.append(text))
    monkeypatch.setattr(module.shutil, "which", lambda _name: None)
    told = call(source={"git": "https://example.com/shop.git"}, plan=PLAN | {"revision": ""})
    assert (told["id"], told["changed"]) == ("", True)
    assert told["diff"][0]["after"] == "a new release\n"
    assert len(warnings) == 1 and "the host has no git yet" in warnings[0]
    plan = PLAN | {"revision": "", "look_only": True}
    call(_ansible_check_mode=False, source={"git": "https://example.com/shop.git"}, plan=plan)
    assert len(warnings) == 1


def test_without_its_action_plugin_the_module_refuses(call):
    assert "needs its action plugin" in call(private=None)["msg"]


@pytest.fixture
def builders(monkeypatch):
    """The suffixes of the builders that were asked for a commit."""
    asked = []

    class Builder:
        def __init__(self, _tools, app, environment, suffix=""):
            self.suffix = suffix

    def commit(builder, _source, access):
        asked.append((builder.suffix, access))
        return "f" * 40

    monkeypatch.setattr(module, "Builder", Builder)
    monkeypatch.setattr(module, "git_commit", commit)
    monkeypatch.setattr(source_python, "git_files", lambda *_arguments: {})
    monkeypatch.setattr(
        module, "check_access", lambda builder, _source, access: commit(builder, "checked", access) and ""
    )
    monkeypatch.setattr(module.shutil, "which", lambda _name: "/usr/bin/git")
    return asked


def test_git_is_queried_in_a_unit_of_its_own(call, builders):
    source, plan = {"git": "https://example.com/shop.git"}, PLAN | {"revision": ""}
    told = call(source=source, plan=plan, private=json.dumps(PRIVATE | {"access": "k3y"}))
    assert told["id"].startswith("ffffffffffff-")
    assert builders == 2 * [(f"-{os.getpid()}", "k3y")]


def test_root_uses_only_network_variables_of_the_build_environment(call, monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ})
    given = {"HTTPS_PROXY": "http://proxy", "no_proxy": "x", "SSL_CERT_FILE": "/ca", "PIP_INDEX_URL": "https://i"}
    refused = {
        "PATH": "/evil",
        "LD_PRELOAD": "/evil.so",
        "PYTHONPATH": "/evil",
        "UV_INDEX_URL": "x",
        "XHTTPS_PROXY": "x",
    }
    before = {name: os.environ.get(name) for name in refused}
    call(private=json.dumps(PRIVATE | {"build_environment": given | refused}))
    assert {name: os.environ.get(name) for name in given} == given
    assert {name: os.environ.get(name) for name in refused} == before


def test_a_deployment_starts_with_users_directories_and_cleanup(host, monkeypatch):
    done = []

    def note(name):
        return lambda *_arguments, **_options: done.append(name)

    app = App("shop", str(host.parent))
    names = ("accounts.ensure", "directories.ensure", "clean_up_interrupted_run", "retire", "first.run_first", "prune")
    for name in (*names, "prune_node"):
        *part, function = name.split(".")
        monkeypatch.setattr(getattr(module, part[0]) if part else module, function, note(name))
    params = {"media_group": "www-data", "keep_releases": 5}
    plan = {"units": {}, "first_commands": [], "has_admin": True}
    build = SimpleNamespace(
        tools=Tools(None, {}),
        app=app,
        id="abc-1",
        params=params,
        plan=plan,
        private={"admin": {}},
        path="/none",
        user=None,
    )
    build.builder = SimpleNamespace(stop=note("stop"))
    build.run = note("build")
    build.shared = SimpleNamespace(pythons=SimpleNamespace(prune=note("prune pythons")))
    monkeypatch.setattr(module, "Switch", lambda *_arguments: SimpleNamespace(run=note("switch")))
    snapshots = SimpleNamespace(migrated=lambda _build: done.append("migrated"))
    monkeypatch.setattr(module.migration_snapshots, "prune", lambda _app: done.append("prune snapshots"))

    monkeypatch.setattr(module, "problems_of_first_page", lambda _module, _units, name: [f"{name}: a page fails"])
    assert module.deploy(build, "/python3", None, None, snapshots) == ["abc-1: a page fails"]
    assert done == [
        "accounts.ensure",
        "directories.ensure",
        "stop",
        "clean_up_interrupted_run",
        "build",
        "migrated",
        "switch",
        "first.run_first",
        "prune",
        "prune snapshots",
        "prune_node",
        "prune pythons",
    ]


def test_an_interpreter_that_was_removed_by_hand_is_installed_again(host, monkeypatch):
    done, app = [], App("shop", str(host.parent))
    for name in ("clean_up_interrupted_run", "retire", "prune"):
        monkeypatch.setattr(module, name, lambda *_arguments: None)
    monkeypatch.setattr(module.accounts, "ensure", lambda *_arguments: None)
    monkeypatch.setattr(module.first, "is_done", lambda *_arguments: True)
    monkeypatch.setattr(module, "prune_node", lambda *_arguments: None)
    monkeypatch.setattr(module.directories, "ensure", lambda *_arguments: None)
    monkeypatch.setattr(module, "in_service", lambda *_arguments: True)
    monkeypatch.setattr(App, "is_complete", lambda *_arguments: True)
    pythons = SimpleNamespace(needs=lambda interpreter: interpreter is OF_UV, prune=lambda: None)
    shared = SimpleNamespace(pythons=pythons, python=done.append)
    build = SimpleNamespace(tools=None, app=app, id="abc-1", path="", params={"media_group": "w", "keep_releases": 5})
    build.plan, build.builder, build.shared = {"units": {}}, SimpleNamespace(stop=lambda: None), shared
    module.deploy(build, OF_HOST, None, None, None)
    module.deploy(build, OF_UV, None, None, None)
    assert done == [OF_UV]
    # A service that restarts all the time for want of it must not look like one that dies.
    monkeypatch.setattr(module, "in_service", lambda *_arguments: False)
    monkeypatch.setattr(module, "Switch", lambda *_arguments: SimpleNamespace(run=lambda: done.append("switch")))
    build.tools = Tools(lambda argv, **_options: done.append(argv) or (0, "", ""), {})
    monkeypatch.setattr(module, "problems_of_first_page", lambda *_arguments: [])
    module.deploy(build, OF_UV, None, None, None)
    assert done[1:] == [OF_UV, ["systemctl", "stop", "shop-web@abc-1.service"], "switch"]


def test_an_interpreter_of_uv_that_is_missing_is_a_change(call, host, monkeypatch):
    monkeypatch.setattr(module, "choose", lambda _tools, _wanted, _downloads, _fetch: OF_UV)
    monkeypatch.setattr(module.ManagedPythons, "needs", lambda _pythons, interpreter: interpreter is OF_UV)
    monkeypatch.setattr(module, "pending", lambda *_arguments: False)
    told = call()
    assert (told["changed"], told["python_version"]) == (True, "3.12.4")
    assert told["diff"][1]["after"] == "Python 3.12.4 of uv\n"


def test_a_git_repository_is_asked_for_the_python_that_it_requires(call, builders, monkeypatch):
    asked = []

    def git_files(_builder, _source, commit, _access, paths):
        asked.append((commit[:2], paths[0], paths[-1]))
        return {"site/pyproject.toml": "[project]\nrequires-python = '>=3.12'\n"}

    monkeypatch.setattr(source_python, "git_files", git_files)
    source, plan = {"git": "https://example.com/shop.git", "subdirectory": "site"}, PLAN | {"revision": ""}
    told = call(source=source, plan=plan, private=json.dumps(PRIVATE | {"access": "k3y"}))
    assert [one["specifier"] for one in told["required_pythons"]] == [">=3.12"]
    assert asked == [("ff", "site/pyproject.toml", "Pipfile.lock")]
    # A file of the inventory replaces that of the repository.
    files = {"pyproject.toml": "[project]\nrequires-python = '>=3.11'\n"}
    given = json.dumps(PRIVATE | {"access": "k3y", "project_files": files})
    told = call(source=source, plan=plan, private=given)
    assert [one["specifier"] for one in told["required_pythons"]] == [">=3.11"]
    monkeypatch.setattr(source_python, "git_files", lambda *_arguments: {"pyproject.toml": "no"})
    assert (
        "'pyproject.toml' is not valid"
        in call(source=source, plan=plan, private=json.dumps(PRIVATE | {"access": "k"}))["msg"]
    )


def test_a_release_that_exists_is_not_asked_again(call, builders, monkeypatch):
    monkeypatch.setattr(App, "is_complete", lambda _app, _identifier: True)
    monkeypatch.setattr(App, "record", lambda _app, _identifier: {"check": "", "dependencies": ""})
    monkeypatch.setattr(module, "pending", lambda *_arguments: False)
    source, plan = {"git": "https://example.com/shop.git"}, PLAN | {"revision": ""}
    told = call(source=source, plan=plan, private=json.dumps(PRIVATE | {"access": "k3y"}))
    assert (told["changed"], "required_pythons" in told) == (False, False)


@pytest.fixture
def remove(call, host, monkeypatch):
    """remove(): the answer of state=absent, on a host that has something of the app."""
    removed = []
    monkeypatch.setattr(module, "removable", lambda _units, data: [str(host), *(["data"] if data else [])])
    monkeypatch.setattr(module, "remove", lambda _tools, units, data: removed.append((units.app.name, data)))
    monkeypatch.setattr(module, "locked", nullcontext)
    return lambda **arguments: (call(state="absent", **arguments), removed)


def test_absent(remove, host):
    told, removed = remove()
    assert (told["changed"], removed) == (True, [])
    told, removed = remove(_ansible_check_mode=False, remove_data=True)
    assert (told["changed"], told["current"], removed) == (True, "", [("shop", True)])
    assert told["diff"]["before"] == f"{host}\ndata\n"


def test_data_is_removed_only_if_the_app_is_confirmed(remove, host, monkeypatch):
    warned = []
    # Beside the tests of action plugins, Ansible keeps warnings for its display instead of the result.
    monkeypatch.setattr(module.AnsibleModule, "warn", lambda _self, text: warned.append(text))
    (host / "data").mkdir(parents=True)
    for given, words in (("", "this cannot be undone"), ("blog", "'blog' was confirmed, but this is the app 'shop'")):
        told, removed = remove(_ansible_check_mode=False, plan=None, remove_data=True, confirm=given)
        assert words in told["msg"]
        assert "-e confirm=shop" in told["msg"]
        assert (told["failed"], removed) == (True, [])
    told, removed = remove(plan=None, remove_data=True)
    assert (told["changed"], "-e confirm=shop" in warned[0]) == (True, True)
    told, removed = remove(_ansible_check_mode=False, plan=None, remove_data=True, confirm="shop")
    assert (told["changed"], removed) == (True, [("shop", True)])
    (event,) = history.History("shop").read(is_running=False)
    assert (event["action"], event["result"]) == ("remove", "ok")


def test_absent_is_idempotent(remove, monkeypatch):
    monkeypatch.setattr(module, "removable", lambda _units, data: [])
    told, removed = remove(_ansible_check_mode=False)
    assert (told["changed"], removed) == (False, [])


def test_absent_reports_errors(remove, monkeypatch):
    def refuse(_app, **_options):
        raise ReleaseError("name: the host already has a user 'shop'")

    monkeypatch.setattr(module.accounts, "check", refuse)
    told, removed = remove(_ansible_check_mode=False)
    assert told["msg"].startswith("shop: name: the host already has a user 'shop'\nState of the host: no release")
    assert removed == []


def test_unused_variables_and_checks_that_still_fail_are_warnings(monkeypatch):
    build = SimpleNamespace(
        tools=Tools(None, {}),
        user="user",
        unused=["TOKEN"],
        ignored_checks=[],
        app=App("shop"),
        plan={"units": {"/etc/systemd/system/shop-worker.service": "\n[Install]\n"}},
        private={"variables": {"TOKEN": "secrets"}},
    )

    def problems(user, names, has_processes):
        return [f"{user} {names} {has_processes}"]

    monkeypatch.setattr(module.later_checks, "problems", problems)
    (said,) = module.warnings_of(build)
    assert said.startswith("secrets: the project does not use TOKEN")
    build.unused, build.ignored_checks = [], ["shop.E001"]
    assert module.warnings_of(build) == ["user ['shop.E001'] True"]


def test_packages_that_are_missing_are_a_change(call, monkeypatch):
    monkeypatch.setattr(module, "packages_to_install", lambda _module, _tools, packages: packages)
    told = call()
    assert told["missing_packages"] == ["git"]
    assert {"before_header": "packages", "after_header": "packages", "before": "", "after": "git\n"} in told["diff"]


def test_an_inspection_changes_nothing(call, host):
    told = call(_ansible_check_mode=False, plan=PLAN | {"look_only": True})
    assert (told["changed"], host.exists()) == (True, False)


@pytest.mark.parametrize("brotli", [True, False])
def test_brotli_is_installed_if_nginx_sends_it(monkeypatch, brotli):
    monkeypatch.undo()
    monkeypatch.setattr(module, "sends_brotli", lambda _module: brotli)
    monkeypatch.setattr(module, "missing", lambda _tools, names: names)
    assert ("brotli" in module.packages_to_install(None, None, ["git"])) is brotli


@pytest.fixture
def servers():
    """Two servers: the first one redirects to the second one. The authorization of each request to them."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers.get("Authorization"))
            self.send_response(302 if self.server is first else 200)
            self.send_header("Location", f"http://127.0.0.1:{second.server_port}/")
            self.end_headers()

        def log_message(self, *_arguments):
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as first, HTTPServer(("127.0.0.1", 0), Handler) as second:
        for server in (first, second):
            Thread(target=server.handle_request, daemon=True).start()
        yield f"http://127.0.0.1:{first.server_port}/shop.tar.gz", asked


def test_a_redirection_gets_no_password(servers, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    url, asked = servers
    module.fetcher("bot:t0ken")(url).close()
    assert asked == [f"Basic {base64.b64encode(b'bot:t0ken').decode()}", None]


def test_when_a_snapshot_is_made_before_migrations(tmp_path):
    app = App("shop", str(tmp_path))
    os.makedirs(app.home)
    assert not module.has_snapshots(app, {"migration_snapshots": True})
    os.symlink("releases/one", app.link)
    assert module.has_snapshots(app, {"migration_snapshots": True})
    assert module.way_back(app, {"migration_snapshots": False}, "two") == ""
    assert "a snapshot of the databases is made first" in module.way_back(app, {"migration_snapshots": True}, "two")
    os.makedirs(app.release("two"))
    with open(os.path.join(app.release("two"), ".complete"), "w", encoding="ascii"):
        pass
    # It was migrated when it was built.
    assert module.way_back(app, {"migration_snapshots": True}, "two") == ""


@pytest.mark.parametrize(("is_there", "options", "cleaned"), [(False, {}, 0), (True, {}, 1), (False, {"a": 1}, 1)])
def test_what_a_killed_rehearsal_left_is_removed_by_the_next_deployment(
    tmp_path, monkeypatch, is_there, options, cleaned
):
    app, done = App("shop", str(tmp_path)), []
    if is_there:
        os.makedirs(app.copies)

    def clean_up(one):
        done.append(one)

    monkeypatch.setattr(rehearsal.Rehearsal, "clean_up", clean_up)
    build = SimpleNamespace(app=app, tools=Tools(None, {}), before_migration=None)
    module.rehearse(build, options, {}, list)
    assert len(done) == cleaned
    assert (build.before_migration is not None) == bool(options)
