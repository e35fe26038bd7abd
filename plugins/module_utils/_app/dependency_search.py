# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search the source for a project's list of dependencies, so that no lock is ignored."""

from __future__ import annotations

import os
import re

from ansible_collections.gatehouse.django.plugins.module_utils._app import dependency_files as files
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError


def named(project: str, top: str, name: str) -> str:
    """Return the path of the list *name*, relative to *project*."""
    path = os.path.normpath(os.path.join(project, name))
    check_file(path, top, "requirements_file")
    return path


def check_file(path: str, top: str, option: str) -> None:
    """Raise ReleaseError unless *path* is a file in the source *top*."""
    path = os.path.normpath(path)
    found = os.path.relpath(path, top)
    if found.startswith(".."):
        raise ReleaseError(f"{option}: '{found}' is outside of the source. Use a file of the source.")
    if not os.path.isfile(path):
        known = candidates(top)
        raise ReleaseError(
            f"{option}: '{found}' is not a file of the source, whose lists of dependencies are: "
            f"{', '.join(known) or 'none'}. The path is relative to the project's directory."
        )


def candidates(top: str) -> list[str]:
    """Return files of the source *top* that look like lists of dependencies, for a message: ten at most."""
    found = []
    for directory, directories, names in os.walk(top):
        depth = os.path.relpath(directory, top).count(os.sep)
        directories[:] = sorted(name for name in directories if not name.startswith(".") and depth < 2)
        is_list_directory = os.path.basename(directory).startswith(("requirements", "deps"))
        for name in sorted(names):
            if name in files.KINDS or files.PYLOCK.fullmatch(name) or re.fullmatch(r"requirements.*\.txt", name):
                found.append(os.path.relpath(os.path.join(directory, name), top))
            elif is_list_directory and name.endswith(".txt"):
                found.append(os.path.relpath(os.path.join(directory, name), top))
    return found[:10]


def nearest(project: str, top: str) -> str:
    """Return the list nearest to *project*, up to the *top* of the source; empty if there is none."""
    directory, found = project, ""
    while True:
        locks = _locks(directory, top)
        if len(locks) > 1:
            raise ReleaseError(
                f"source: '{locks[0]}' and '{locks[1]}' can differ, and only one of them can be installed. Set "
                "requirements_file to it, or remove the other one."
            )
        if locks and found and not covers(os.path.join(top, locks[0]), os.path.dirname(found), top):
            listed = os.path.relpath(found, top)
            raise ReleaseError(
                f"source: the project's own list '{listed}' would be installed, and the lock '{locks[0]}' ignored. "
                f"Set requirements_file to the one to install: '{os.path.relpath(found, project)}' or "
                f"'{os.path.relpath(os.path.join(top, locks[0]), project)}'."
            )
        if locks:
            return os.path.join(top, locks[0])
        found = found or _unlocked(directory, top)
        if directory in (top, os.path.dirname(directory)):
            return found
        directory = os.path.dirname(directory)


def _locks(directory: str, top: str) -> list[str]:
    """Return the locks in *directory*, relative to *top*."""
    names = [name for name in files.LOCKS if _exists(directory, name, top)]
    if "pylock.toml" not in names and os.path.isdir(directory):
        names += [name for name in sorted(os.listdir(directory)) if files.PYLOCK.fullmatch(name)]
    return [os.path.relpath(os.path.join(directory, name), top) for name in names]


def _unlocked(directory: str, top: str) -> str:
    for name in (files.REQUIREMENTS, "pyproject.toml"):
        if _exists(directory, name, top):
            return os.path.join(directory, name)
    if _exists(directory, "Pipfile", top):
        pipfile = os.path.relpath(os.path.join(directory, "Pipfile"), top)
        raise ReleaseError(
            f"source: '{pipfile}' has no Pipfile.lock. Run 'pipenv lock' in the project and add the file to the source."
        )
    return ""


def _exists(directory: str, name: str, top: str) -> bool:
    path = os.path.join(directory, name)
    if os.path.exists(path) and not os.path.isfile(path):
        raise ReleaseError(f"source: '{os.path.relpath(path, top)}' is not a file")
    return os.path.exists(path)


def covers(lock: str, directory: str, top: str) -> bool:
    """Return whether the project in *directory* is a member of the workspace that uv.lock locks."""
    member = os.path.relpath(directory, os.path.dirname(lock))
    packages = (files.toml(top, lock) or {}).get("package") if lock.endswith("uv.lock") else None
    sources = [files.table(one, "source") for one in packages or [] if isinstance(one, dict)]
    return any(member in (source.get("editable"), source.get("virtual")) for source in sources)
