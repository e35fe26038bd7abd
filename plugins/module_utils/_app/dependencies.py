# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds a project's list of dependencies, and whether a virtual environment of it can serve several releases."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app_source import read

NAMES = ("uv.lock", "requirements.txt", "pyproject.toml")
INCLUDED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)", re.MULTILINE)
# A requirement that is a path: such a package may be part of the source.
LOCAL = re.compile(
    r"^\s*(?:-e\b|--editable\b|\.|/|file:)|@\s*(?:file:|\.|/)|^\s*[^#\s]+/[^#]*$|(?:-f\b|--find-links)[\s=]+\S",
    re.MULTILINE,
)
REMOTE = re.compile(r"(?:git\+|hg\+|svn\+|bzr\+)?(?:https?|ssh)://\S+")


@dataclass(frozen=True)
class Found:
    """A list of dependencies: its kind (a name of NAMES, or nothing), its directory, and the top of the source.

    `fingerprint` tells lists apart; it is empty where the environment depends on the source itself, as an editable
    package does.
    """

    kind: str
    directory: str
    top: str
    fingerprint: str
    is_package: bool = False

    @property
    def is_source_bound(self) -> bool:
        """Whether the environment belongs to one release."""
        return not self.fingerprint

    @property
    def arguments(self) -> list[str]:
        """What `uv pip install` is given for it."""
        if self.kind in ("", "uv.lock"):
            return []
        if self.is_package:
            # Editable: the code runs where the project's own paths expect it, next to its templates and data.
            return ["--editable", self.directory]
        return ["--requirements", os.path.join(self.directory, self.kind)]

    @property
    def looked_from(self) -> str:
        """The directory in which the search began, for a message."""
        return os.path.relpath(self.directory, os.path.dirname(self.top))


def find(project: str, top: str) -> Found:
    """The list of dependencies nearest to *project*, up to the *top* of the source, uv.lock before the others."""
    directory = project
    while True:
        for kind in NAMES:
            if os.path.exists(os.path.join(directory, kind)):
                texts = FINGERPRINTED[kind](directory, top)
                package = kind == "pyproject.toml" and _is_package(_toml(top, directory, kind))
                return Found(kind, directory, top, _hash([kind, *texts]) if texts is not None else "", package)
        if directory == top:
            return Found("", project, top, _hash([]))
        directory = os.path.dirname(directory)


def _requirements(directory: str, top: str) -> list[str] | None:
    """The texts of requirements.txt and all that it includes; None where one of them names a package by its path."""
    texts: list[str] = []
    todo, seen = [os.path.join(directory, "requirements.txt")], set()
    while todo:
        path = os.path.normpath(todo.pop())
        if path in seen:
            continue
        seen.add(path)
        text = read(top, path)
        if text is None or LOCAL.search(REMOTE.sub("", INCLUDED.sub("", text))):
            return None
        texts.append(text)
        todo += [os.path.join(os.path.dirname(path), name) for name in INCLUDED.findall(text)]
    return texts


def _lock(directory: str, top: str) -> list[str] | None:
    lock, project = (read(top, os.path.join(directory, name)) for name in ("uv.lock", "pyproject.toml"))
    packages = _toml(top, directory, "uv.lock").get("package", [])
    sources = [package.get("source", {}) for package in packages if isinstance(package, dict)]
    local = any(key in source for source in sources for key in ("editable", "directory", "path"))
    return None if local or lock is None or project is None else [lock, project]


def _project(directory: str, top: str) -> list[str] | None:
    text, project = read(top, os.path.join(directory, "pyproject.toml")), _toml(top, directory, "pyproject.toml")
    sources = project.get("tool", {}).get("uv", {}).get("sources", {})
    local = any(key in source for source in _dictionaries(sources) for key in ("path", "workspace", "editable"))
    return None if text is None or local or "file:" in text or _is_package(project) else [text]


FINGERPRINTED: Mapping[str, Callable[[str, str], list[str] | None]] = {
    "uv.lock": _lock,
    "requirements.txt": _requirements,
    "pyproject.toml": _project,
}


def _is_package(project: Mapping[str, Any]) -> bool:
    """Whether the project is to be installed itself: uv's own rule, a build system is declared."""
    return "build-system" in project


def _toml(top: str, directory: str, name: str) -> dict[str, Any]:
    """A TOML file, empty where it is not valid: uv says what is wrong with it."""
    try:
        return tomllib.loads(read(top, os.path.join(directory, name)) or "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        yield from _dictionaries(item)


def _hash(texts: list[str]) -> str:
    found = hashlib.sha256()
    for text in texts:
        found.update(f"{len(text)} {text}".encode())
    return found.hexdigest()
