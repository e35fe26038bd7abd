# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the commands of `build` as the building user, and those of `release_commands` as the app's user."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ansible_collections.gatehouse.django.plugins.module_utils._app import sandbox_errors
from ansible_collections.gatehouse.django.plugins.module_utils._app.app_user import AppUser, django_command, shown
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, tail
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import AUTHORITIES

# The exit codes of env(1) and a shell for a program that does not exist.
NO_PROGRAM = 127
NODE_PROGRAMS = frozenset({"node", "npm", "npx", "corepack", "yarn", "pnpm"})
NODE_MODULES = "node_modules"
# Node.js then ends with SIGABRT, and the stack that it prints pushes this line out of the end of its output.
NODE_HEAP = "JavaScript heap out of memory"
NPM_ENVIRONMENT = {
    "npm_config_update_notifier": "false",
    "npm_config_fund": "false",
    # Node.js has its own list of authorities and ignores that of the host, with the operator's own.
    **({"NODE_EXTRA_CA_CERTS": AUTHORITIES} if os.path.exists(AUTHORITIES) else {}),
}


def run_build(
    builder: Builder,
    commands: Sequence[Sequence[str]],
    source: str,
    project: str,
    venv: str,
    path: Sequence[str],
    variables: Mapping[str, str],
) -> None:
    """Run *commands* in the directory *project*; they can write to the *source* and to the building user's cache.

    *path* are directories with programs, in addition to those of the virtual environment *venv*. *variables* are the
    app's, without secrets.
    """
    environment = {
        **NPM_ENVIRONMENT,
        **_headers(path),
        **variables,
        "PATH": ":".join([os.path.join(venv, "bin"), *path, os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": ":".join(one for one in (project, variables.get("PYTHONPATH", "")) if one),
        "VIRTUAL_ENV": venv,
    }
    # A shared environment is in a directory that only the app can enter.
    readable = [os.path.realpath(venv)] if os.path.islink(venv) else []
    for words in commands:
        argv = django_command(words, project, os.path.join(venv, "bin", "python"))
        code, out, err = builder.attempt(
            ["/usr/bin/env", *argv],
            writable=[source, builder.cache],
            readable=readable,
            cwd=project,
            env=environment,
        )
        if code != 0:
            hint = sandbox_errors.explain_build(f"{out}\n{err}", builder.app)
            raise ReleaseError(explain("build", words, code, out, err, hint))


def _headers(path: Sequence[str]) -> dict[str, str]:
    """Return where npm finds the headers of the Node.js in *path*, with which it compiles packages like node-sass.

    Otherwise node-gyp downloads them from nodejs.org for each build.
    """
    for node in (os.path.realpath(os.path.join(directory, "node")) for directory in path):
        home = os.path.dirname(os.path.dirname(node))
        if os.path.isdir(os.path.join(home, "include", "node")):
            return {"npm_config_nodedir": home}
    return {}


def run_release_commands(user: AppUser, commands: Sequence[Sequence[str]]) -> None:
    """Run *commands* in the project's directory; raise ReleaseError for the first one that fails."""
    for words in commands:
        code, out, err = user.attempt(django_command(words, os.path.join(user.release, "project"), user.python))
        if code != 0:
            hint = sandbox_errors.explain(f"{out}\n{err}", user.app)
            raise ReleaseError(explain("release_commands", words, code, out, err, hint))


def explain(option: str, words: Sequence[str], code: int, out: str, err: str, hint: str = "") -> str:
    """Return why a command failed, with the end of its output and what the sandbox refused, the *hint*."""
    lines = [f"{option}: '{shown(words)}' failed ({code}):", tail(f"{out}\n{err}"), hint]
    if code == NO_PROGRAM and words[0] in NODE_PROGRAMS:
        lines.append(
            "The host has no Node.js for this build. Set node to '20', '22' or '24', or install the distribution's: "
            "packages: [nodejs, npm]."
        )
    elif code == NO_PROGRAM:
        lines.append(f"The host has no program '{words[0]}'. List its Debian package in packages.")
    if NODE_HEAP in f"{out}\n{err}":
        lines.append(
            "Node.js ended at the limit of its own heap, which it derives from the host's memory. Raise it in "
            "build_environment, in MB: NODE_OPTIONS: --max-old-space-size=2048."
        )
    return "\n".join(line for line in lines if line)


def node_modules(source: str) -> set[str]:
    """Return the directories `node_modules` in *source*, without those inside of others, and links of that name."""
    found, todo = set(), [source]
    # os.walk() recurses before Python 3.12, and a hostile source can be deep.
    while todo:
        with suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                is_directory = entry.is_dir(follow_symlinks=False)
                if entry.name == NODE_MODULES and (is_directory or entry.is_symlink()):
                    found.add(entry.path)
                elif is_directory:
                    todo.append(entry.path)
    return found


def drop_modules(source: str, kept: set[str]) -> None:
    """Remove the directories `node_modules` below *source* that were not *kept* there by the project itself.

    The building user cannot write there any more.
    """
    for path in node_modules(source) - kept:
        tree.remove_tree(path)
