"""The action plugin: its refusals, its calls of the module, and the arguments that it sends."""

from __future__ import annotations

import json
import os
import tarfile
from types import SimpleNamespace
from unittest.mock import ANY

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.action import django_release as action
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source import revision

ARGUMENTS = {"app": "shop", "source": {"pypi": "shop==1.0"}, "settings_module": "shop.settings"}
FOUND = {
    "changed": True,
    "pending": True,
    "python_version": "3.13.5",
    "missing_packages": [],
    "revision": "f00",
    "diff": [],
}


class Half(action.ActionModule):
    """The action plugin, with a host that gives prepared answers."""

    def __init__(self, directory):
        self.answers, self.calls = [], []
        self._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/tmp/ansible", join_path=os.path.join))
        self._loader = SimpleNamespace(path_dwim=lambda path: str(directory / path), get_basedir=lambda: str(directory))

    def _remove_tmp_path(self, _path):
        pass

    def _execute_module(self, module_name, module_args, task_vars):
        self.calls.append((module_name.rpartition(".")[2], json.loads(json.dumps(module_args))))
        return dict(self.answers.pop(0))

    def _upload(self, args):
        return "/tmp/source" if args["source"].get("directory") else None


@pytest.fixture
def play(tmp_path, monkeypatch):
    """play(answers, arguments): the result of the task, and what the host was asked."""
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    (tmp_path / "code").mkdir()

    def play(answers, check_mode=False, **arguments):
        half = Half(tmp_path)
        half._task = SimpleNamespace(args={**ARGUMENTS, **arguments}, check_mode=check_mode)
        half.answers = list(answers)
        hosts = {"inventory_hostname": "web1", "hostvars": {"web1": {}, "db1": {}}, "groups": {"all": ["web1", "db1"]}}
        return half.run(task_vars=hosts), half.calls

    return play


def test_without_changes_the_module_runs_once(play):
    result, calls = play([{**FOUND, "changed": False, "pending": False}])
    assert [(name, args["plan"]["look_only"]) for name, args in calls] == [("django_release", True)]
    assert result["changed"] is False


def test_the_inspected_revision_is_deployed(play):
    result, calls = play([{**FOUND, "diff": ["d"]}, {"phases": {"source": 1}, "current": "r"}])
    assert [(name, args["plan"]["look_only"]) for name, args in calls] == [
        ("django_release", True),
        ("django_release", False),
    ]
    assert calls[1][1]["plan"]["revision"] == "f00"
    assert (result["changed"], result["diff"], result["phases"]) == (True, ["d"], {"source": 1})


def test_missing_packages_are_installed_first(play):
    _result, calls = play([{**FOUND, "missing_packages": ["git"]}, {"changed": True}, {}])
    assert [name for name, _args in calls] == ["django_release", "apt_packages", "django_release"]
    assert calls[1][1] == {"name": ["git"], "proxy": None}


def test_the_proxy_is_sent_to_apt_and_in_the_hidden_argument(play):
    proxy = {"url": "http://bot:s3cret@proxy.example.com:3128", "no_proxy": ["git.example.com"]}
    _result, calls = play([{**FOUND, "missing_packages": ["git"]}, {"changed": True}, {}], proxy=proxy)
    assert calls[1][1]["proxy"] == proxy
    for _name, given in (calls[0], calls[2]):
        assert "s3cret" in given["private"]
        assert "s3cret" not in json.dumps(given | {"private": ""})


def test_packages_that_cannot_be_installed(play):
    result, calls = play([{**FOUND, "missing_packages": ["gitt"]}, {"failed": True, "msg": "No package 'gitt'"}])
    assert (result["failed"], result["msg"], len(calls)) == (True, "shop: packages: No package 'gitt'", 2)


def test_check_mode_only_inspects(play):
    result, calls = play([{**FOUND, "missing_packages": ["git"]}], check_mode=True)
    assert (result["changed"], len(calls)) == (True, 1)


def test_a_refusal_of_the_module_ends_the_run(play):
    result, calls = play([{"failed": True, "msg": "no"}])
    assert (result["msg"], len(calls)) == ("no", 1)


def test_a_python_that_the_project_excludes_is_refused_before_the_deployment(play, tmp_path):
    (tmp_path / "code/pyproject.toml").write_text('[project]\nname = "shop"\nrequires-python = ">=3.99"\n')
    result, calls = play([FOUND], source={"directory": "code"})
    assert "shop: python: the project needs Python >=3.99" in result["msg"]
    assert result["msg"].endswith("Nothing was changed.")
    assert len(calls) == 1


def test_two_locks_are_refused_before_the_host_is_asked(play, tmp_path):
    for name in ("uv.lock", "poetry.lock"):
        (tmp_path / "code" / name).touch()
    result, calls = play([FOUND], source={"directory": "code"})
    assert result["msg"].startswith("Refused, nothing was changed. App 'shop':\nsource: 'uv.lock' and 'poetry.lock'")
    assert calls == []


def test_only_git_is_installed_before_a_repository_is_refused(play):
    excluding = {"specifier": ">=3.14", "file": "pyproject.toml", "package": "", "marker": ""}
    unknown = {**FOUND, "revision": "", "missing_packages": ["git", "python3-venv"]}
    answers = [unknown, {"changed": True}, {**FOUND, "required_pythons": [excluding]}]
    source = {"git": "https://example.com/shop.git"}
    result, calls = play(answers, source=source)
    assert [name for name, _args in calls] == ["django_release", "apt_packages", "django_release"]
    assert calls[1][1]["name"] == ["git"]
    assert calls[2][1]["plan"]["look_only"] is True
    assert result["msg"].endswith("Nothing was changed, except that packages were installed: git.")
    answers = [unknown, {"changed": True}, {**FOUND, "required_pythons": []}, {"changed": True}, {}]
    result, calls = play(answers, source=source)
    assert [args.get("name") for name, args in calls if name == "apt_packages"] == [["git"], ["python3-venv"]]
    assert (result["missing_packages"], "required_pythons" in result) == (["git", "python3-venv"], False)


def test_an_archive_is_downloaded_once(play):
    source = {"archive": "https://example.com/shop.zip", "checksum": f"sha256:{'0' * 64}"}
    excluding = {"specifier": ">=3.14", "file": "uv.lock", "package": "", "marker": ""}
    result, calls = play([{**FOUND, "required_pythons": [excluding]}], source=source)
    assert (len(calls), calls[0][1]["upload"]) == (1, "/tmp/ansible/source")
    assert result["msg"].endswith("Nothing was changed.")
    _result, calls = play([FOUND, {}], source=source)
    assert calls[1][1]["upload"] == "/tmp/ansible/source"


@pytest.mark.parametrize(
    "source",
    [{"archive": "https://example.com/shop.zip", "checksum": f"sha256:{'0' * 64}"}, {"pypi": "shop==1"}],
)
def test_only_the_authorities_are_installed_before_a_download(play, source):
    excluding = {"specifier": ">=3.14", "file": "a", "package": "", "marker": ""}
    missing = {**FOUND, "missing_packages": ["ca-certificates", "git"]}
    answers = [missing, {"changed": True}, {**FOUND, "required_pythons": [excluding]}]
    result, calls = play(answers, source=source)
    assert (len(calls), calls[1][1]["name"]) == (3, ["ca-certificates"])
    assert result["msg"].endswith("Nothing was changed, except that packages were installed: ca-certificates.")


def test_check_mode_installs_no_git(play):
    unknown = {**FOUND, "revision": "", "missing_packages": ["git"]}
    unknown["required_pythons"] = []
    result, calls = play([unknown], check_mode=True, source={"git": "https://example.com/shop.git"})
    assert (len(calls), "required_pythons" in result) == (1, False)


def test_an_error_of_uv_gets_the_line_to_write(play):
    words = "cause: Because the current Python version (3.13.5) does not satisfy Python>=3.14 and x"
    result, _calls = play([FOUND, {"failed": True, "msg": f"{words}\nState of the host: r is served, as before."}])
    assert 'Write python: "3.14"' in result["msg"]
    assert result["msg"].endswith("\nState of the host: r is served, as before.")


def test_a_list_of_downloads_is_relative_to_the_playbook_and_hidden(play, tmp_path):
    (tmp_path / "pythons.json").write_text("{}")
    _result, calls = play([FOUND, {}], python="3.12", python_downloads="pythons.json")
    assert json.loads(calls[0][1]["private"])["python"]["shown"] == str(tmp_path / "pythons.json")
    _result, calls = play([FOUND, {}], python="3.12", python_downloads="https://u:s3cr3t@example.com/p.json")
    told = json.loads(calls[0][1].pop("private"))
    assert "s3cr3t" not in json.dumps(calls[0])
    assert told["python"]["authorization"] == "u:s3cr3t"
    assert "s3cr3t" in told["hidden"]


def test_a_failed_deployment_removes_nothing(play):
    result, calls = play([FOUND, {"failed": True, "msg": "broken"}])
    assert (result["failed"], result["msg"], len(calls)) == (True, "broken", 2)


def test_paths_are_relative_to_the_playbook(play, tmp_path):
    _result, calls = play([FOUND, {}], source={"directory": "code"})
    assert calls[0][1]["source"]["directory"] == str(tmp_path / "code")
    assert (calls[0][1].get("upload"), calls[1][1]["upload"]) == (None, "/tmp/source")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"source": {}}, "Refused, nothing was changed. App 'shop':\nsource: set exactly one of"),
        ({"entry": {"sources": 1}}, "unknown key 'sources': did you mean 'source'?"),
        ({"entry": {"threads": 4}, "threads": 8}, "the variable django_app_threads of the inventory"),
        ({"app": "Shop"}, "name: 'Shop' is not a slug"),
        ({"keep_releases": "many"}, "keep_releases"),
        ({"private": "x"}, "private, run are set by the action plugin: remove them"),
        ({"typo": 1}, "typo"),
    ],
)
def test_wrong_arguments(play, wrong, words):
    result, calls = play([], **wrong)
    assert result["failed"]
    assert words in result["msg"]
    assert calls == []


def test_the_application_follows_from_the_settings(play):
    _result, calls = play([{**FOUND, "pending": False}], settings_module="shop.settings.live", interface="asgi")
    assert calls[0][1]["application"] == "shop.asgi:application"
    _result, calls = play([{**FOUND, "pending": False}], application="", entry={"application": ""})
    assert calls[0][1]["application"] == "shop.wsgi:application"
    _result, calls = play([{**FOUND, "pending": False}], application="a.b:c")
    assert calls[0][1]["application"] == "a.b:c"


def test_absent_needs_no_other_option(play):
    _result, calls = play([{"changed": True}], state="absent", remove_data=True)
    ((name, given),) = calls
    assert "@" in given.pop("run")["by"]
    assert (name, given) == ("django_release", {"app": "shop", "state": "absent", "remove_data": True, "confirm": ""})


@pytest.mark.parametrize("state", ["present", "absent"])
def test_the_options_can_be_checked_without_the_host(play, state):
    result, calls = play([], state=state, step="options")
    assert (result, calls) == ({"changed": False, "app": "shop", "step": "options"}, [])
    refused, calls = play([], state=state, step="options", app="Shop!")
    assert (refused["failed"], calls) == (True, [])


def test_a_service_on_an_unknown_host_is_refused_without_the_host(play):
    result, calls = play([], step="options", database={"engine": "postgresql", "host": "db2"})
    assert (result["failed"], calls) == (True, [])
    assert "database: unknown host 'db2'" in result["msg"]


KEY = "-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----\n"
PRIVATE_SOURCE = {
    "git": "ssh://git@example.com/shop.git",
    "deploy_key": KEY,
    "known_hosts": "example.com ssh-rsa AA",
    "credentials": [
        {"url": "ssh://git@example.com/theme.git", "deploy_key": KEY.replace("MAMCAQA", "MAMCAQE").strip()},
        {"url": "https://bot:t0ken@example.com/group/"},
    ],
}


def test_credentials_are_sent_only_in_the_hidden_argument(play):
    _result, ((_name, given),) = play([{**FOUND, "pending": False}], source=PRIVATE_SOURCE, secrets={"A": "s3cr3t"})
    assert json.loads(given["private"])["access"] == {
        "credentials": [
            {"url": "ssh://git@example.com/shop.git", "authorization": "", "deploy_key": KEY},
            {
                "url": "ssh://git@example.com/theme.git",
                "authorization": "",
                "deploy_key": KEY.replace("MAMCAQA", "MAMCAQE"),
            },
            {"url": "https://example.com/group/", "authorization": "bot:t0ken", "deploy_key": ""},
        ],
        "known_hosts": "example.com ssh-rsa AA",
    }
    shown = json.dumps(given | {"private": ""})
    assert not any(secret in shown for secret in ("MAMCAQA", "MAMCAQE", "t0ken", "s3cr3t"))
    assert not {"deploy_key", "known_hosts", "credentials"} & set(given["source"])


def test_credentials_do_not_change_the_release(play):
    digests = set()
    for source in (
        PRIVATE_SOURCE,
        PRIVATE_SOURCE | {"deploy_key": KEY.replace("MAMCAQA", "MAMCAQI"), "credentials": []},
    ):
        _result, calls = play([{**FOUND, "pending": False}], source=source)
        digests.add(calls[0][1]["plan"]["digest"])
    assert len(digests) == 1


@pytest.fixture
def upload(tmp_path):
    """upload(revision): what is sent of a directory with one large file, and what the play prints."""
    half = Half(tmp_path)
    sent, printed = [], []
    half._transfer_file = lambda local, target: sent.append((tarfile.open(local).getnames(), target))
    half._display = SimpleNamespace(display=printed.append)
    (tmp_path / "code/film.mp4").parent.mkdir()
    (tmp_path / "code/film.mp4").touch()
    (tmp_path / "code/.env").touch()
    os.truncate(tmp_path / "code/film.mp4", 30 << 20)
    source = {"directory": str(tmp_path / "code")}

    def upload(found=None):
        args = {"app": "shop", "source": source, "plan": {"revision": found or revision(source)}}
        return action.ActionModule._upload(half, args), sent, printed

    return upload


def test_a_large_source_is_reported(upload):
    assert upload() == (
        "/tmp/ansible/source",
        [(["film.mp4"], "/tmp/ansible/source")],
        [ANY],
    )
    assert upload()[2][0].startswith("shop: sending 1 files, 30 MB, from ")


def test_a_directory_that_has_changed_is_not_sent(upload):
    with pytest.raises(ValueError, match="changed while they were packed"):
        upload("another revision")
