"""The controller's half: what is refused, what is sent, and what is not."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.action import django_release as action


@pytest.fixture
def half():
    class Loader:
        def path_dwim(self, path):
            return f"/play/{path}" if not path.startswith("/") else path

    made = action.ActionModule.__new__(action.ActionModule)
    made._loader = Loader()
    return made


ARGUMENTS = {
    "app": "shop",
    "source": {"directory": "code"},
    "settings_module": "shop.settings",
    "application": "shop.wsgi:application",
    "server": "gunicorn",
    "uv": "1.2",
}


def test_paths_start_at_the_play(half):
    assert half._checked(ARGUMENTS)["source"]["directory"] == "/play/code"
    remote = {"archive": "https://x/y.zip"}
    assert half._checked({**ARGUMENTS, "source": remote})["source"]["archive"] == "https://x/y.zip"


@pytest.mark.parametrize("wrong", [{"source": "code"}, {"keep_releases": "many"}, {"private": "x"}, {"typo": 1}])
def test_wrong_arguments(half, wrong):
    with pytest.raises(AnsibleActionFail, match="django_release: "):
        half._checked({**ARGUMENTS, **wrong})


def test_what_only_the_host_may_see():
    params = {
        "environment": {"DEBUG": "0", "PORT": 1},
        "secrets": {"KEY": "s3cr3t", "PIN": "12"},
        "settings": {"A": [1], "PASSWORD": "longer than that", "LANGUAGE_CODE": "en"},
        "project_files": {"shop.cfg": "[db]\n  password = x\n"},
        "build_environment": {"UV_OFFLINE": 1},
        "settings_module": "shop.settings",
        "source": {"deploy_key": "-----BEGIN KEY-----\nabcdefgh\nxyz\n", "known_hosts": "example.com ssh-ed25519 AA"},
    }
    told = json.loads(action.private(params, "bot:token"))
    assert told["environment"] | {"GATEHOUSE_SETTINGS": ""} == {
        "DEBUG": "0",
        "PORT": "1",
        "KEY": "s3cr3t",
        "PIN": "12",
        "GATEHOUSE_SETTINGS_MODULE": "shop.settings",
        "GATEHOUSE_SETTINGS": "",
    }
    assert json.loads(told["environment"]["GATEHOUSE_SETTINGS"]) == params["settings"]
    assert told["build_environment"] == {"UV_OFFLINE": "1"}
    assert told["project_files"] == params["project_files"]
    # What is too short to be secret would blot out half of every message.
    hidden = ["s3cr3t", "longer than that", "password = x", "bot:token", "-----BEGIN KEY-----", "abcdefgh"]
    assert told["hidden"] == hidden
    assert (told["deploy_key"], told["known_hosts"]) == tuple(params["source"].values())


@pytest.fixture
def sent(half, monkeypatch):
    """sent(arguments): what the module is given."""

    def sent(**arguments):
        half._task = SimpleNamespace(args={**ARGUMENTS, "source": {"pypi": "shop==1.0"}, **arguments}, check_mode=True)
        half._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
        monkeypatch.setattr(half, "_remove_tmp_path", lambda _path: None)
        given = {}
        monkeypatch.setattr(
            half, "_execute_module", lambda module_args, task_vars: given.update(module_args) or {"failed": True}
        )
        half.run(task_vars={})
        return given

    return sent


def test_a_key_goes_to_the_host_in_what_is_hidden_only(sent):
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n"
    source = {"git": "ssh://git@example.com/shop.git", "deploy_key": key, "known_hosts": "example.com ssh-rsa AA"}
    given = sent(source=source)
    assert json.loads(given["private"])["deploy_key"] == key
    assert "b3BlbnNzaC1rZXk" not in json.dumps(given | {"private": ""})
    assert not {"deploy_key", "known_hosts"} & set(given["source"])
    # Another key leads to the same code.
    assert sent(source=source | {"deploy_key": f"{key}x"})["digest"] == given["digest"]


@pytest.mark.parametrize(
    ("arguments", "is_another"),
    [
        ({"requirements": ["psycopg"]}, True),
        ({"server": "uvicorn"}, True),
        ({"uv": "uv==2"}, True),
        ({"python": "python3.12"}, True),
        ({"build_environment": {"UV_INDEX_URL": "https://example.com"}}, True),
        ({"source": {"pypi": "shop==1.1"}}, True),
        ({"environment": {"A": "1"}}, False),
        ({"settings": {"A": 1}}, False),
        ({"files": {"gunicorn.conf.py": "workers = 2"}}, False),
        ({"keep_releases": 7}, False),
    ],
)
def test_an_environment_is_made_anew_for_what_it_is_made_of(sent, arguments, is_another):
    assert (sent(**arguments)["venv_digest"] != sent()["venv_digest"]) is is_another


def project(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    return {"directory": str(tmp_path), "subdirectory": ""}


def test_a_python_that_the_project_excludes(tmp_path):
    source = project(tmp_path, '[project]\nname = "shop"\nrequires-python = ">=3.12"\n')
    action.check_python(source, "3.12.0")
    with pytest.raises(AnsibleActionFail, match=r"needs Python >=3\.12 .* the host's is 3\.11\.2"):
        action.check_python(source, "3.11.2")


def test_a_project_that_says_nothing(tmp_path):
    action.check_python({"git": "https://x/y.git"}, "3.11.2")
    action.check_python({"directory": str(tmp_path), "subdirectory": ""}, "3.11.2")
    action.check_python(project(tmp_path, "[tool.ruff]\n"), "3.11.2")


def test_a_project_that_cannot_be_read(tmp_path):
    with pytest.raises(AnsibleActionFail, match="is not valid"):
        action.check_python(project(tmp_path, "not toml"), "3.11.2")
