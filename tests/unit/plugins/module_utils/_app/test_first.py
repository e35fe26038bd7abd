"""Commands and an account that a new database gets once."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import first
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools

COMMANDS = (["manage.py", "loaddata", "a"], ["manage.py", "site"])
PLAN = {"first_commands": COMMANDS, "has_admin": True}


class Database:
    """The app's user, with a database that records names."""

    app = App("shop")

    def __init__(self, release):
        self.release, self.python = str(release), "python"
        self.recorded, self.ran, self.failing = [], [], ""

    def attempt(self, argv, data=None):
        if argv[1].endswith("gatehouse_first.py"):
            if argv[2] == "recorded":
                return 0, "\n".join(self.recorded), ""
            name = "admin" if argv[2] == "admin" else argv[3]
            argv = ["admin", *json.loads(data).values()] if argv[2] == "admin" else argv[4:]
        if argv[-1] == self.failing:
            return 1, "", "no such fixture"
        self.recorded.append(name)
        self.ran.append(argv[-1])
        return 0, "", ""


@pytest.fixture
def database(tmp_path):
    return Database(tmp_path)


def run(database, commands=COMMANDS):
    tools = Tools(lambda *_arguments, **_options: (0, "", ""), {})
    first.run_first(tools, database, commands, {"username": "root"})


def test_each_runs_once_for_each_database(database):
    assert not first.is_done(database.release, PLAN)
    run(database)
    assert first.is_done(database.release, PLAN)
    run(database)
    run(database, [*COMMANDS, ["manage.py", "more"]])
    assert database.ran == ["root", "a", "site", "more"]


def test_a_failure_says_that_the_release_is_served_and_the_next_run_continues(database):
    database.failing = "site"
    with pytest.raises(
        ReleaseError, match=r"(?s)first_commands: 'manage.py site' failed.*no such.*The release is served"
    ):
        run(database)
    assert not first.is_done(database.release, PLAN)
    database.failing = ""
    run(database)
    assert database.ran == ["root", "a", "site"]


def test_nothing_to_do(tmp_path):
    assert first.is_done(str(tmp_path), {"first_commands": [], "has_admin": False})
