# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate the options of an app's dependencies on the controller."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app import dependencies
from ansible_collections.gatehouse.django.plugins.module_utils._app.dependency_files import LOCKS, READ
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Options
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import has_password
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source import files

# https://packaging.python.org/en/latest/specifications/name-normalization/
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
CONSTRAINT = re.compile(rf"{NAME.pattern}\s*(?:[=<>!~]=?=?\s*[^\s;]|@\s*\S)[^\n\r]*")
PATH = re.compile(r"[\w./ +-]+")


def of_dependencies(options: Mapping[str, Any]) -> Iterator[str]:
    """Check requirements, requirements_file, groups, extras and constraints."""
    for option in ("requirements", "constraints"):
        if any(has_password(str(one)) for one in options.get(option) or []):
            yield (
                f"{option}: an address contains a password or a token, and every user of the host can see these lines "
                "while they are installed. Use a package of an index, whose password belongs in build_environment: see "
                "'Private package indexes' in the role's README."
            )
            return
    for requirement in options.get("requirements") or []:
        if not str(requirement).strip() or str(requirement).startswith("-"):
            yield (
                f"requirements: '{requirement}' is not a requirement like 'psycopg[binary]>=3.2'. A file of the "
                "project belongs in requirements_file, and options of uv belong in build_environment."
            )
    source = options.get("source") or {}
    name = str(options.get("requirements_file") or "")
    if name and not _is_in_source(name, source):
        yield (
            f"requirements_file: '{name}' must be a path relative to the project's directory and inside of the source, "
            "like 'requirements/production.txt'."
        )
    for option in ("groups", "extras"):
        for one in options.get(option) or []:
            if not NAME.fullmatch(str(one)):
                yield f"{option}: '{one}' is not a valid name. Use a name of the project, like 'production'."
        if options.get(option) and source.get("pypi"):
            wanted = re.sub(r"(?=\[|==)", "[extra]", str(source["pypi"]), count=1)
            yield f"{option}: a package of an index has only extras, which belong in source.pypi, like '{wanted}'."
    for one in options.get("constraints") or []:
        is_file = str(one).endswith(".txt") and _is_in_source(str(one), source)
        if not is_file and not CONSTRAINT.fullmatch(str(one)):
            yield (
                f"constraints: '{one}' is neither a limit for a version, like 'urllib3<3', nor a file of the project "
                "that ends with '.txt'."
            )


def check_directory(params: Options) -> None:
    """Raise ValueError if the list of dependencies in a directory of the controller does not fit the options."""
    options, top = dependencies.Options.of(params), os.path.normpath(params["source"].get("directory") or "")
    if not params["source"].get("directory") or any(map(options.reads, params["files"])):
        return
    project = os.path.normpath(os.path.join(top, params["source"].get("subdirectory") or ""))
    try:
        found = dependencies.find(project, top, options)
    except ReleaseError as error:
        # If the search has seen a file that is not sent, only the host can look.
        if not _lists(project, top) <= set(files(params["source"])):
            return
        raise ValueError(f"Refused, nothing was changed. App '{params['app']}':\n{error}") from error
    lock = os.path.relpath(found.path, top) if found.kind in LOCKS else ""
    if lock and lock not in files({**params["source"], "exclude": []}):
        raise ValueError(
            f"Refused, nothing was changed. App '{params['app']}':\nsource: git ignores the lock '{lock}', so the host "
            "would not get it. Remove it from .gitignore, or set requirements_file to another list."
        )


def _lists(project: str, top: str) -> set[str]:
    """Return the lists in *project* and in the directories above it up to *top*, relative to *top*."""
    found: set[str] = set()
    directory = project
    while os.path.isdir(directory):
        names = [name for name in os.listdir(directory) if READ.fullmatch(name)]
        found.update(os.path.relpath(os.path.join(directory, name), top) for name in names)
        if directory in (top, os.path.dirname(directory)):
            break
        directory = os.path.dirname(directory)
    return found


def _is_in_source(path: str, source: Mapping[str, object]) -> bool:
    """Return whether *path*, relative to the project's directory, is a path inside of the source."""
    placed = os.path.normpath(os.path.join(str(source.get("subdirectory") or ""), path))
    return (
        bool(PATH.fullmatch(path))
        and not os.path.isabs(path)
        and placed.split("/")[0] not in ("..", ".")
        and not path.endswith(("/", "."))
    )
