# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn the locks of poetry, pdm and pipenv into exact requirements with hashes, by those tools themselves.

The tool is installed for the export alone, pinned with the hashes of its wheels, by the building user.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._app.dependencies import DependencyList
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import SYSTEM_PYTHON

# The tool of each kind of lock, and what people run to make the lock match the project again.
TOOLS: Mapping[str, str] = {"poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile.lock": "pipenv"}
LOCK_COMMANDS: Mapping[str, str] = {"uv.lock": "uv lock", **{kind: f"{tool} lock" for kind, tool in TOOLS.items()}}
ENVIRONMENT = (
    *("PDM_CHECK_UPDATE=0", "PDM_IGNORE_SAVED_PYTHON=1", "PIPENV_VERBOSITY=-1", "PIPENV_MAX_DEPTH=1"),
    *("POETRY_VIRTUALENVS_CREATE=false", "POETRY_NO_INTERACTION=1", "POETRY_KEYRING_ENABLED=false"),
    # Tools of an earlier build could be configured there.
    "HOME=/tmp",
)
# In the unit's private /tmp, since it can contain the credentials of an index.
LOCKED = "/tmp/locked.txt"
# pdm exports either hashes for all packages or for none, and a package from git or from the source has none.
ADD_HASHES = """\
import re, sys, tomllib

def key(name, version):
    return re.sub("[-_.]+", "-", name).lower(), version

hashes = {}
with open("pdm.lock", "rb") as file:
    for one in tomllib.load(file)["package"]:
        known = hashes.setdefault(key(one["name"], one.get("version")), set())
        known.update(f"--hash={file['hash']}" for file in one.get("files", []))
with open(sys.argv[1], "r+") as file:
    lines = file.read().splitlines()
    file.seek(0)
    for line in lines:
        pinned = re.match(r"([A-Za-z0-9._-]+)(?:\\[[^]]*\\])?==([^;\\s]+)", line)
        print(line, *sorted(hashes.get(key(pinned[1], pinned[2]), [])) if pinned else [], file=file)
"""
# The exit code of a lock that does not match its project.
STALE = 87


def lines(found: DependencyList, uv: str, listed: str, directory: str) -> list[str]:
    """Return shell lines that write LOCKED with the tool in *directory*, which they make anew and remove.

    *listed* is a file with the tool's own pinned requirements.
    """
    tool = TOOLS[found.kind]
    python = os.path.join(directory, "bin", "python")
    # Not in the project's directory, whose configuration of uv is not for the tool.
    elsewhere = [uv, "--directory", "/"]
    install = [*elsewhere, "pip", "install", "--quiet", "--python", python, "--require-hashes", "--no-deps"]
    run = ["env", *ENVIRONMENT, os.path.join(directory, "bin", tool)]
    check, export = COMMANDS[tool](found)
    return [
        f"trap {shlex.quote(shlex.join(['rm', '-rf', directory]))} EXIT",
        # The Python of the project can be too old for the tool, and locks do not depend on it.
        shlex.join([*elsewhere, "venv", "--quiet", "--clear", "--python", SYSTEM_PYTHON, directory]),
        shlex.join([*install, "--only-binary", ":all:", "--requirements", listed]),
        *([f"{shlex.join([*run, *check])} >&2 || exit {STALE}"] if check else []),
        f"{shlex.join([*run, *export])} > {LOCKED}",
        *([shlex.join([SYSTEM_PYTHON, "-I", "-c", ADD_HASHES, LOCKED])] if tool == "pdm" else []),
        # PyPI is the default, which the build environment can replace. uv installs no editable repositories.
        "sed -i -e '\\#^-i https://pypi.org/simple/*$#d' -e 's#^-e \\(git+[^ ]*\\)#\\1#' " + LOCKED,
    ]


def _poetry(found: DependencyList) -> tuple[list[str], list[str]]:
    chosen = [f"--with={name}" for name in found.options.groups] + [f"--extras={name}" for name in found.options.extras]
    # `export` checks the lock itself.
    return [], ["export", "--format=requirements.txt", "--with-credentials", *chosen]


def _pdm(found: DependencyList) -> tuple[list[str], list[str]]:
    chosen = [f"--group={name}" for name in (*found.options.groups, *found.options.extras)]
    # pdm refuses --prod beside a group of [dependency-groups], and selects no other group then.
    production = [] if found.options.groups else ["--prod"]
    export = ["export", "--format=requirements", "--no-hashes", "--expandvars"]
    return ["lock", "--check"], [*export, *production, *chosen]


def _pipenv(found: DependencyList) -> tuple[list[str], list[str]]:
    categories = ",".join(["packages", *found.options.groups])
    return ["verify"], ["requirements", "--hash", f"--categories={categories}"]


COMMANDS = {"poetry": _poetry, "pdm": _pdm, "pipenv": _pipenv}


def explain_stale(found: DependencyList, words: str) -> str:
    """Return the error for a lock that does not match its project, with the *words* of its tool."""
    path = os.path.relpath(found.path, found.top)
    return (
        f"'{path}' does not match its project, so nothing was installed from it:\n{words}\n"
        f"Run '{LOCK_COMMANDS[found.kind]}' in the project and add '{path}' to the source."
    )


def pinned(kind: str, exporters: Mapping[str, str]) -> str:
    """Return the requirements of the tool for a *kind* of lock; empty if it needs none."""
    return exporters[TOOLS[kind]] if kind in TOOLS else ""
