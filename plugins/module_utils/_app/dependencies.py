# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find a project's list of dependencies, and whether releases can share a virtual environment of it."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.source import read
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

NAMES = ("uv.lock", "requirements.txt", "pyproject.toml")
# Known lines of requirements.txt. Any other line can depend on files of the source that are not lists.
INCLUDED = re.compile(r"(?:-r|--requirement|-c|--constraint)[\s=]*([^\s=-]\S*)")
ADDRESS = r"(?:(?:git|hg|svn|bzr)\+)?(?:https?|ssh)://\S+"
# `foo.whl` is a file.
NAME = r"[A-Za-z0-9][\w.-]*(?<!\.whl)(?<!\.zip)(?<!\.tar)(?<!\.gz)(?<!\.tgz)(?<!\.bz2)(?<!\.xz)"
VERSION = r"\(?\s*[=<>!~][^@/;]*"
REQUIREMENT = re.compile(
    rf"(?:{NAME}\s*(?:\[[\w\s,.-]*\])?\s*(?:{VERSION}|@\s*{ADDRESS})?|{ADDRESS})\s*(?:;.*)?", re.DOTALL
)
OPTION = re.compile(
    r"--(?:pre|no-index|require-hashes|prefer-binary|(?:no-binary|only-binary|trusted-host)[\s=]+\S+)"
    rf"|(?:-i|-f|--index-url|--extra-index-url|--find-links)[\s=]*{ADDRESS}"
)
HASH = re.compile(r"\s--hash[\s=]+\w+:[0-9a-fA-F]+")
COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)
# Keys of the table tool.uv that do not affect where packages come from, and keys of packages in the source.
HARMLESS = frozenset({"package", "managed", "dev-dependencies", "default-groups", "required-version", "exclude-newer"})
LOCAL = frozenset({"path", "directory", "editable", "workspace"})


@dataclass(frozen=True)
class DependencyList:
    """A list of dependencies: its kind (one of NAMES, or empty), its directory, and the top of the source.

    Lists with the same `fingerprint` are equal. It is empty if the environment depends on the source itself, as with an
    editable package.
    """

    kind: str
    directory: str
    top: str
    fingerprint: str
    is_package: bool = False

    @property
    def is_source_bound(self) -> bool:
        """Return whether the environment belongs to a single release."""
        return not self.fingerprint

    @property
    def arguments(self) -> list[str]:
        """Return the arguments of `uv pip install`."""
        if self.kind in ("", "uv.lock"):
            return []
        if self.is_package:
            # Editable: the project finds its templates and data relative to its code.
            return ["--editable", self.directory]
        return ["--requirements", os.path.join(self.directory, self.kind)]

    @property
    def searched_from(self) -> str:
        """Return the directory where the search started, for a message."""
        return os.path.relpath(self.directory, os.path.dirname(self.top))


def find(project: str, top: str) -> DependencyList:
    """Find the list of dependencies nearest to *project*, up to the *top* of the source; prefer uv.lock."""
    directory = project
    while True:
        for kind in NAMES:
            path = os.path.join(directory, kind)
            if os.path.exists(path):
                if not os.path.isfile(path):
                    raise ReleaseError(f"source: '{os.path.relpath(path, top)}' is not a file")
                texts = None if _configures_uv(directory, top, kind) else FINGERPRINTED[kind](directory, top)
                package = kind == "pyproject.toml" and _is_package(_toml(top, directory, kind) or {})
                return DependencyList(kind, directory, top, _hash([kind, *texts]) if texts is not None else "", package)
        if directory in (top, os.path.dirname(directory)):
            return DependencyList("", project, top, "" if _configures_uv(project, top, "") else _hash([]))
        directory = os.path.dirname(directory)


def _configures_uv(directory: str, top: str, kind: str) -> bool:
    """Return whether the source configures uv in a way that the fingerprint of the list does not cover."""
    if os.path.lexists(os.path.join(directory, "uv.toml")):
        return True
    if kind not in ("uv.lock", "pyproject.toml"):
        project = _toml(top, directory, "pyproject.toml")
        if project is None or "uv" in _table(project, "tool"):
            return True
    above = os.path.dirname(directory)
    return directory not in (top, above) and _configures_uv(above, top, "")


def _requirements(directory: str, top: str) -> list[str] | None:
    """Return the texts of requirements.txt and its includes; None if a line can refer to the source."""
    texts: list[str] = []
    todo, seen = [os.path.join(directory, "requirements.txt")], set()
    while todo:
        path = os.path.normpath(todo.pop())
        if path in seen:
            continue
        seen.add(path)
        text = read(top, path)
        if text is None:
            return None
        texts.append(text)
        for line in COMMENT.sub("", text).replace("\\\n", "").splitlines():
            # Collapse blanks: the expressions would backtrack over each way to split them.
            words = " ".join(HASH.sub("", line).split())
            if included := INCLUDED.fullmatch(words):
                todo.append(os.path.join(os.path.dirname(path), included[1]))
            elif words and not REQUIREMENT.fullmatch(words) and not OPTION.fullmatch(words):
                return None
    return texts


def _lock(directory: str, top: str) -> list[str] | None:
    texts = [read(top, os.path.join(directory, name)) for name in ("uv.lock", "pyproject.toml")]
    packages = (_toml(top, directory, "uv.lock") or {}).get("package")
    known = isinstance(packages, list) and all(isinstance(package, dict) for package in packages)
    if not known or not all(_is_remote(_table(package, "source")) for package in packages or []):
        return None
    return [text for text in texts if text is not None] if None not in texts else None


def _project(directory: str, top: str) -> list[str] | None:
    text, project = read(top, os.path.join(directory, "pyproject.toml")), _toml(top, directory, "pyproject.toml")
    if text is None or not project or _is_package(project):
        return None
    own, uv = _table(project, "project"), _table(_table(project, "tool"), "uv")
    listed, dynamic = own.get("dependencies", []), own.get("dynamic", [])
    # Without a [project] table, or with a dynamic list, uv asks the build backend, which can read any file.
    if not own or not isinstance(listed, list) or not isinstance(dynamic, list) or "dependencies" in dynamic:
        return None
    if not all(isinstance(one, str) and REQUIREMENT.fullmatch(" ".join(one.split())) for one in listed):
        return None
    places = list(_dictionaries([uv.get("index"), uv.get("sources")]))
    known = uv.keys() <= HARMLESS | {"index", "sources"}
    return [text] if known and all(map(_is_remote, places)) else None


def _is_remote(source: Mapping[str, Any]) -> bool:
    """Return whether a package or an index with this *source* is outside of the project."""
    places = [source[key] for key in ("registry", "url", "git") if key in source]
    return LOCAL.isdisjoint(source) and all(re.match(ADDRESS, str(place)) for place in places)


FINGERPRINTED: Mapping[str, Callable[[str, str], list[str] | None]] = {
    "uv.lock": _lock,
    "requirements.txt": _requirements,
    "pyproject.toml": _project,
}


def _is_package(project: Mapping[str, Any]) -> bool:
    """Return whether the project itself is installed: as in uv, if it declares a build system."""
    return "build-system" in project


def _toml(top: str, directory: str, name: str) -> dict[str, Any] | None:
    """Parse a TOML file. Return {} if it is missing, None if it is not valid: uv reports the error."""
    path = os.path.join(directory, name)
    text = read(top, path)
    if text is None:
        return None if os.path.lexists(path) else {}
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _table(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the dictionaries in *value* at any depth, without recursion: dotted keys nest without a limit."""
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            yield value
            value = list(value.values())
        todo += value if isinstance(value, list) else []


def _hash(texts: list[str]) -> str:
    found = hashlib.sha256()
    for text in texts:
        found.update(f"{len(text)} {text}".encode())
    return found.hexdigest()
