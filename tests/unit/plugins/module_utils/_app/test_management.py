"""Management commands."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import management
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "command is empty"),
        ("shell -c 'x", "cannot be split into words: No closing quotation"),
        ("manage.py migrate", "must begin with the management command"),
        ("python manage.py migrate", "must begin with the management command"),
    ],
)
def test_refused(command, words):
    with pytest.raises(ReleaseError, match=words):
        management.words_of(command)


def test_words_are_split_as_in_a_shell():
    assert management.words_of("shell -c 'print(1)' \"a b\"") == ["shell", "-c", "print(1)", "a b"]


def test_variables_are_in_no_argument_and_no_output(app):
    os.makedirs(app.home)
    with open(os.path.join(app.home, "manage"), "w", encoding="utf-8") as file:
        file.write("")
    started = []

    def run(argv, environ_update):
        started.append(argv)
        return 3, f"{environ_update['TOKEN']} {environ_update['MODE']} \x1b\n", ""

    code, out, _err = management.run(run, app, ["shell", "word"], {"TOKEN": "s3cr3t-token", "MODE": "a"})
    assert (code, out) == (3, "******** a \\x1b\n")
    assert started[0][-7:] == [f"{app.home}/manage", "--env", "MODE", "--env", "TOKEN", "shell", "word"]


def test_an_app_without_manage(app):
    with pytest.raises(ReleaseError, match="deploy the app first"):
        management.run(None, app, ["check"], {})
