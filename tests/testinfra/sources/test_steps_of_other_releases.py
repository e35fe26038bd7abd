"""A release whose commands fail is never served, and the script of the previous release stays when the next one is."""

import shutil
from pathlib import Path

import pytest
from helpers.hosts import release_of
from helpers.play import REPOSITORY, Play

PROJECT = REPOSITORY / "tests/projects/steps"
DEPLOY = Path(__file__).parents[1] / "helpers/deploy.yml"


@pytest.fixture
def deploy(host, tmp_path):
    """Deploy the app with changes of its inventory, and files of its project by their paths."""

    def play(files=None, **changes):
        project = tmp_path / "project"
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(PROJECT, project)
        for path, text in (files or {}).items():
            (project / path).write_text(text)
        changes = {"source": {"directory": str(project)}, **changes}
        return Play(DEPLOY, host, lab_app="steps", lab_changes=changes).finish()

    return play


@pytest.mark.parametrize(
    ("option", "command", "words"),
    [
        ("build", "node missing.js", ["build: 'node missing.js' failed (1)", "Cannot find module"]),
        (
            "build",
            "cat /srv/steps/data/db.sqlite3",
            ["build: 'cat /srv/steps/data/db.sqlite3' failed", "ermission denied"],
        ),
        ("build", "msgfmt", ["build: 'msgfmt' failed (127)", "List its Debian package in packages"]),
        ("release_commands", "touch src/x", ["release_commands: 'touch src/x' failed (1)", "Read-only file system"]),
    ],
)
def test_a_command_that_fails_ends_the_deployment(host, deploy, option, command, words):
    before = release_of(host, "steps")
    played = deploy(**{option: [command]})
    assert played.code != 0
    assert all(word in played.refusal for word in words), played.refusal
    assert f"{before} is served, as before" in played.refusal
    assert release_of(host, "steps") == before


def own_script(host):
    """The script that the build of the live release made."""
    return host.check_output("cat /srv/steps/current/static/stamp.txt").split()[-1]


def test_the_next_release_serves_the_script_of_the_previous_one_and_runs_only_new_first_commands(host, deploy):
    before = own_script(host)
    lines = host.check_output("cat /srv/steps/data/uploads/first.txt")
    first = ["manage.py first 'two words'", "manage.py first more"]
    played = deploy(files={"src/app.js": 'console.log("changed");\n'}, first_commands=first)
    assert played.code == 0, played.output
    assert own_script(host) != before
    assert {before, own_script(host)} <= set(host.check_output("ls /srv/steps/current/static").split())
    assert host.check_output("cat /srv/steps/data/uploads/first.txt") == f"{lines}\nmore"


def test_a_first_command_that_fails_is_told_and_run_again(host, deploy):
    played = deploy(first_commands=["manage.py no_such"])
    assert played.code != 0
    assert "first_commands: 'manage.py no_such' failed (1)" in played.refusal
    assert "The release is served" in played.refusal
    again = deploy(first_commands=["manage.py no_such"])
    assert again.code != 0
