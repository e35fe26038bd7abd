"""The controller's half: what is refused, what is sent, and what is not."""

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleActionFail
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
    assert told["hidden"] == ["s3cr3t", "longer than that", "password = x", "bot:token"]


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
