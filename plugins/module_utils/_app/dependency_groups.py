# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the options `groups` and `extras` against those that a project has."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import dependency_files as files
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, readable


def check(kind: str, path: str, directory: str, top: str, groups: Sequence[str], extras: Sequence[str]) -> None:
    """Raise ReleaseError unless the list of dependencies *path* has the *groups* and *extras*."""
    listed = os.path.relpath(path, top) if path else "a project without a list of dependencies"
    known_groups, known_extras = names(kind, path, directory, top)
    for option, chosen, known in (("groups", groups, known_groups), ("extras", extras, known_extras)):
        if chosen and not known:
            raise ReleaseError(f"{option}: {listed} has no {option}. Remove the option.")
        normalized = {normalize(name) for name in known}
        if wrong := [name for name in chosen if normalize(name) not in normalized]:
            has = ", ".join(map(readable, sorted(known)))
            raise ReleaseError(f"{option}: {listed} has no '{wrong[0]}'. It has: {has}.")


def names(kind: str, path: str, directory: str, top: str) -> tuple[list[str], list[str]]:
    """Return the names of the groups and of the extras of a list."""
    if kind in ("", files.REQUIREMENTS):
        return [], []
    if kind == "Pipfile.lock":
        categories = [name for name in files.parsed(top, path) or {} if name not in ("_meta", "default")]
        # The Pipfile has this name for it, and only its names are the operator's.
        return ["dev-packages" if name == "develop" else name for name in categories], []
    if kind == "pylock.toml":
        lock = files.toml(top, path) or {}
        return _strings(lock.get("dependency-groups")), _strings(lock.get("extras"))
    project = files.toml(top, os.path.join(directory, "pyproject.toml")) or {}
    tools = files.table(project, "tool")
    groups = [*files.table(project, "dependency-groups")]
    extras = [*files.table(files.table(project, "project"), "optional-dependencies")]
    if kind == "poetry.lock":
        poetry = files.table(tools, "poetry")
        groups += files.table(poetry, "group")
        groups += ["dev"] if "dev-dependencies" in poetry else []
        extras += files.table(poetry, "extras")
    elif kind == "pdm.lock":
        groups += files.table(files.table(tools, "pdm"), "dev-dependencies")
    elif "dev-dependencies" in files.table(tools, "uv"):
        groups.append("dev")
    return sorted(set(groups)), sorted(set(extras))


def normalize(name: str) -> str:
    """Return *name* as tools compare it (https://packaging.python.org/en/latest/specifications/name-normalization/)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _strings(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
