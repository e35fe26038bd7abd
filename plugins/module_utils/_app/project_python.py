# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the versions of Python that a project and its locked packages require, in the texts of its files.

The files are those of a stranger: what they contain is data, and whatever has an unknown form is left to uv.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._app import toml

NAMES = ("pyproject.toml", "uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock")
PYLOCK = re.compile(r"pylock(?:\.[^.]+)?\.toml")
MAX_REQUIREMENTS = 1000
MAX_LENGTH = 200  # of a specifier or a marker


class Requirement(TypedDict):
    """A required version of Python."""

    specifier: str  # as in PEP 440: `>=3.12,<4`
    file: str  # in which it is, relative to the top of the source
    package: str  # whose requirement it is; empty for the project itself
    marker: str  # without effect unless this holds, as in PEP 508; empty if it always has one


def paths_of(subdirectory: str, listed: str = "") -> list[str]:
    """Return the paths to look for in a source, from the project's *subdirectory* upwards.

    *listed* is the list of dependencies that the inventory names, relative to the project: other locks do not count.
    """
    return [*_own(subdirectory, listed), *(path for paths in _places(subdirectory, listed) for path in paths)]


def _own(subdirectory: str, listed: str) -> list[str]:
    return [os.path.normpath(os.path.join(subdirectory or ".", listed))] if _reader(listed) else []


def _places(subdirectory: str, listed: str) -> list[list[str]]:
    found, directory = [], os.path.normpath(subdirectory or ".")
    names = ("pyproject.toml",) if listed else NAMES
    while True:
        found.append([os.path.normpath(os.path.join(directory, name)) for name in names])
        if directory in (".", "/", ""):
            return found
        directory = os.path.dirname(directory) or "."


def requirements(texts: Mapping[str, str], subdirectory: str, listed: str = "") -> list[Requirement]:
    """Return the requirements in *texts*, contents by path: those of the directory nearest to the project.

    *listed* is as for paths_of(). Raises ValueError if pyproject.toml is not valid, since uv cannot read it either.
    """
    places = _places(subdirectory, listed)
    nearest = next((paths for paths in places if any(path in texts for path in paths)), [])
    found: dict[tuple[str, str], Requirement] = {}
    for path in dict.fromkeys([*_own(subdirectory, listed), *nearest]):
        if path in texts:
            for one in _of_file(path, texts[path]):
                found.setdefault((one["specifier"], one["marker"]), one)
    return list(found.values())[:MAX_REQUIREMENTS]


def _of_file(path: str, text: str) -> Iterator[Requirement]:
    name = os.path.basename(path)
    try:
        content = json.loads(text) if name == "Pipfile.lock" else toml.loads(text)
    except (ValueError, RecursionError) as error:
        if name == "pyproject.toml":
            raise ValueError(f"source: '{path}' is not valid: {error}") from error
        return
    reader = _reader(name)
    for specifier, package, marker in reader(content if isinstance(content, dict) else {}) if reader else ():
        if all(isinstance(one, str) and len(one) <= MAX_LENGTH for one in (specifier, package, marker)) and specifier:
            yield {"specifier": specifier, "file": path, "package": package, "marker": marker}


Found = Iterator[tuple[Any, Any, Any]]


def _pyproject(content: Mapping[str, object]) -> Found:
    yield _table(content, "project").get("requires-python"), "", ""
    yield of_poetry(_table(content, "tool", "poetry", "dependencies").get("python")), "", ""


def _uv(content: Mapping[str, object]) -> Found:
    yield content.get("requires-python"), "", ""


def _pylock(content: Mapping[str, object]) -> Found:
    yield content.get("requires-python"), "", ""
    for package in _packages(content, "packages"):
        yield package.get("requires-python"), package.get("name", ""), package.get("marker", "")


def _poetry(content: Mapping[str, object]) -> Found:
    yield of_poetry(_table(content, "metadata").get("python-versions")), "", ""
    for package in _packages(content, "package"):
        # Packages of other groups, and optional ones, are not installed.
        if not package.get("optional") and "main" in _groups(package, "main"):
            yield of_poetry(package.get("python-versions")), package.get("name", ""), package.get("markers", "")


def _pdm(content: Mapping[str, object]) -> Found:
    yield _table(content, "metadata").get("requires_python"), "", ""
    for package in _packages(content, "package"):
        if "default" in _groups(package, "default"):
            yield package.get("requires_python"), package.get("name", ""), package.get("marker", "")


def _pipfile(content: Mapping[str, object]) -> Found:
    required = _table(content, "_meta", "requires")
    if isinstance(required.get("python_full_version"), str):
        yield f"=={required['python_full_version']}", "", ""
    elif isinstance(required.get("python_version"), str):
        yield f"=={required['python_version']}.*", "", ""


READERS: Mapping[str, Callable[[Mapping[str, Any]], Found]] = {
    "pyproject.toml": _pyproject,
    "uv.lock": _uv,
    "pylock.toml": _pylock,
    "poetry.lock": _poetry,
    "pdm.lock": _pdm,
    "Pipfile.lock": _pipfile,
}


def _reader(path: str) -> Callable[[Mapping[str, object]], Found] | None:
    name = os.path.basename(path)
    return _pylock if PYLOCK.fullmatch(name) else READERS.get(name)


def of_poetry(constraint: object) -> str:
    """Convert a constraint of Poetry to a specifier of PEP 440; return an empty text for alternatives (`||`)."""
    if not isinstance(constraint, str) or "|" in constraint or len(constraint) > MAX_LENGTH:
        return ""
    return ",".join(filter(None, map(_of_poetry, re.split(r"\s*,\s*|\s+(?=[\^~<>=!])", constraint.strip()))))


def _of_poetry(constraint: str) -> str:
    if constraint in ("", "*"):
        return ""
    found = re.fullmatch(r"([\^~]|==)?\s*(\d+(?:\.\d+)*)", constraint)
    if found is None or constraint.startswith("~="):
        return constraint
    kind, version = found.groups()
    numbers = [int(number) for number in version.split(".")]
    if kind in ("^", "~"):
        changed = 0 if kind == "^" or len(numbers) == 1 else 1
        above = [*numbers[:changed], numbers[changed] + 1]
        return f">={version},<{'.'.join(map(str, above))}"
    return f"=={version}"


def _table(content: Mapping[str, object], *names: str) -> Mapping[str, object]:
    for name in names:
        found = content.get(name)
        if not isinstance(found, dict):
            return {}
        content = found
    return content


def _packages(content: Mapping[str, object], name: str) -> list[dict[str, object]]:
    found = content.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _groups(package: Mapping[str, object], default: str) -> list[object]:
    found = package.get("groups", [default])
    return found if isinstance(found, list) else []
