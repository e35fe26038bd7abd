# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate the commands of a deployment, Node.js, the first account and the writable directories."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source import is_inside
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.unit_options import of_command

EXAMPLE_COMMANDS = {
    "build": "npm run build",
    "release_commands": "manage.py compress",
    "first_commands": "manage.py loaddata initial",
}
# The files node-<version>.txt of the role pin them.
NODE_VERSIONS = ("20", "22", "24")


def of_steps(options: Mapping[str, object]) -> Iterator[str]:
    """Check the options of the steps of a deployment."""
    for option, example in EXAMPLE_COMMANDS.items():
        yield from of_commands(option, options.get(option) or [], example)
    node = options.get("node") or ""
    if node and str(node) not in NODE_VERSIONS:
        yield (
            f"node: '{node}' is not a supported major version: use one of {', '.join(map(repr, NODE_VERSIONS))}, or "
            "remove it to use the host's own (packages: [nodejs, npm])."
        )
    elif node and not options.get("build"):
        yield f"node: '{node}' has no effect without build. List the commands there, like 'npm ci', or remove it."
    yield from of_admin(options.get("admin") or {})
    yield from of_writable(options.get("writable") or [])


def of_commands(option: str, given: object, example: str) -> Iterator[str]:
    """Check a list of commands."""
    if not isinstance(given, list):
        yield f"{option}: must be a list of commands, like ['{example}'], not '{given}'."
        return
    for command in given:
        yield from (f"{option}: {problem}" for problem in of_command(command, example, is_one_line=False))


def of_admin(given: object) -> Iterator[str]:
    """Check the fields of the first account. Never quote a value: it can be the password."""
    if not isinstance(given, Mapping):
        yield "admin: must be a dictionary with the account's fields, like username, email and password."
        return
    for name, value in given.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(name)):
            yield f"admin: '{name}' is not a valid name of a field of an account, like 'username'."
        if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
            yield f"admin: {name} must be a string that is not empty."
    if given and not given.get("password"):
        yield "admin: password is missing. Without one the account cannot log in: set it, from a vault."


def of_writable(given: object) -> Iterator[str]:
    """Check the directories that become links into the data."""
    if not isinstance(given, list):
        yield f"writable: must be a list of directories in the project, like ['uploads'], not '{given}'."
        return
    paths = [str(path).strip("/") for path in given]
    for path in map(str, given):
        if not is_inside(path) or not re.search(r"\w", path) or "/./" in f"/{path}/" or "//" in path:
            yield f"writable: '{path}' must be a relative path of a directory inside of the project, like 'uploads'."
        for other in paths:
            if path.strip("/").startswith(f"{other}/"):
                yield f"writable: '{path}' is inside of '{other}', which is writable already. Remove one of them."
    for path in dict.fromkeys(path for path in paths if paths.count(path) > 1):
        yield f"writable: '{path}' is listed twice. Remove one of them."
