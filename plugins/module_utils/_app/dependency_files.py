# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a list of dependencies: of which kind it is, and which texts decide what is installed from it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app import toml as tomls
from ansible_collections.gatehouse.django.plugins.module_utils._app.requirements_files import (
    ADDRESS,
    REQUIREMENT,
    requirements_texts,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app.source import read

REQUIREMENTS = "requirements.txt"
# Each names every package with its version.
LOCKS = ("uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock")
# The order in which a directory is searched; a directory with two locks is refused.
KINDS = (*LOCKS, REQUIREMENTS, "pyproject.toml")
# https://packaging.python.org/en/latest/specifications/pylock-toml/#file-name
PYLOCK = re.compile(r"pylock(?:\.[^.]+)?\.toml")
# The files beside a list that its tool reads, too. The first ones must exist.
READ_TOO: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "uv.lock": (("pyproject.toml",), ()),
    "pylock.toml": ((), ()),
    "poetry.lock": (("pyproject.toml",), ("poetry.toml",)),
    "pdm.lock": (("pyproject.toml",), ("pdm.toml",)),
    "Pipfile.lock": (("Pipfile",), ()),
}
# Files that the installation of dependencies reads, by their usual names.
READ = re.compile(
    r"(?:.*/)?(?:(?:uv|poetry|pdm|Pipfile)\.lock|Pipfile|(?:uv|poetry|pdm|pyproject|pylock(?:\.[^./]+)?)\.toml"
    r"|requirements[^/]*(?:/[^/]+)*\.(?:txt|in)|constraints[^/]*\.txt)"
)
# Keys of the table tool.uv that do not affect where packages come from, and keys of packages in the source.
HARMLESS = frozenset({"package", "managed", "dev-dependencies", "default-groups", "required-version", "exclude-newer"})
LOCAL = frozenset({"path", "directory", "editable", "workspace"})
# Tables of a lock that describe packages. Other tables can have a package's name for a key.
PACKAGES = ("package", "packages")


def kind_of(path: str) -> str:
    """Return the kind of the list *path*, one of KINDS, by its name: any other name is that of a requirements file."""
    name = os.path.basename(path)
    if PYLOCK.fullmatch(name):
        return "pylock.toml"
    return name if name in KINDS else REQUIREMENTS


def texts_of(kind: str, path: str, top: str) -> list[str] | None:
    """Return the texts that decide what is installed from the list *path*; None if that can depend on the source."""
    return TEXTS[kind](path, top)


def configures_uv(directory: str, top: str, kind: str) -> bool:
    """Return whether the source configures uv in a way that the texts of the list do not cover."""
    if os.path.lexists(os.path.join(directory, "uv.toml")):
        return True
    if kind not in ("uv.lock", "pyproject.toml"):
        project = toml(top, os.path.join(directory, "pyproject.toml"))
        if project is None or "uv" in table(project, "tool"):
            return True
    above = os.path.dirname(directory)
    return directory not in (top, above) and configures_uv(above, top, "")


def _lock(path: str, top: str) -> list[str] | None:
    needed, more = READ_TOO[kind_of(path)]
    directory = os.path.dirname(path)
    texts = [read(top, os.path.join(directory, name)) for name in (os.path.basename(path), *needed)]
    if None in texts or not all(map(is_remote, _places(path, top))):
        return None
    texts += [f"{name} {read(top, os.path.join(directory, name))}" for name in more]
    return [text for text in texts if text is not None]


def _places(path: str, top: str) -> Iterator[Mapping[str, Any]]:
    """Yield the tables of a lock that can say where a package comes from; a table that is local if there is no list."""
    known, local = parsed(top, path), {"path": path}
    if known is None:
        yield local
    elif kind_of(path) == "Pipfile.lock":
        for name, packages in known.items():
            if name != "_meta":
                yield from map(_pipfile_place, packages.values()) if _are_tables(packages) else [local]
    else:
        packages = next((known[name] for name in PACKAGES if name in known), None)
        if not isinstance(packages, list) or not all(isinstance(package, dict) for package in packages):
            yield local
        elif kind_of(path) == "uv.lock":
            yield from (table(package, "source") for package in packages)
        else:
            yield from _dictionaries(packages)


def _pipfile_place(package: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**package, "url": package["file"]} if "file" in package else package


def _are_tables(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, dict) for one in value.values())


def project_texts(path: str, top: str, *, allow_package: bool = False) -> list[str] | None:
    """Return what texts_of() does for a pyproject.toml; with *allow_package* also if the project is installed."""
    text, project = read(top, path), toml(top, path)
    if text is None or not project or (is_package(project) and not allow_package):
        return None
    own, uv = table(project, "project"), table(table(project, "tool"), "uv")
    listed, dynamic = own.get("dependencies", []), own.get("dynamic", [])
    # Without a [project] table, or with a dynamic list, uv asks the build backend, which can read any file.
    if not own or not isinstance(listed, list) or not isinstance(dynamic, list) or "dependencies" in dynamic:
        return None
    lists = [listed, *table(own, "optional-dependencies").values(), *table(project, "dependency-groups").values()]
    if not all(map(_is_list, lists)):
        return None
    places = list(_dictionaries([uv.get("index"), uv.get("sources")]))
    known = uv.keys() <= HARMLESS | {"index", "sources"}
    return [text] if known and all(map(is_remote, places)) else None


def _is_list(requirements: object) -> bool:
    """Return whether these are requirements from elsewhere, or groups that a group includes (PEP 735)."""
    return isinstance(requirements, list) and all(
        isinstance(one, dict) or (isinstance(one, str) and REQUIREMENT.fullmatch(" ".join(one.split())))
        for one in requirements
    )


def is_remote(source: Mapping[str, object]) -> bool:
    """Return whether a package or an index with this *source* is outside of the project."""
    places = [source[key] for key in ("registry", "url", "git", "index-url") if key in source]
    return LOCAL.isdisjoint(source) and all(re.match(ADDRESS, str(place)) for place in places)


TEXTS: Mapping[str, Callable[[str, str], list[str] | None]] = {
    **dict.fromkeys(LOCKS, _lock),
    REQUIREMENTS: lambda path, top: requirements_texts([path], top),
    "pyproject.toml": project_texts,
}


def is_package(project: Mapping[str, object]) -> bool:
    """Return whether the project itself is installed: as in uv, if it declares a build system."""
    return "build-system" in project


def parsed(top: str, path: str) -> dict[str, Any] | None:
    """Parse a lock. Return {} if it is missing, None if it is not valid: its tool reports the error."""
    if not path.endswith("Pipfile.lock"):
        return toml(top, path)
    try:
        found = json.loads(read(top, path) or "")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def toml(top: str, path: str) -> dict[str, Any] | None:
    """Parse a TOML file. Return {} if it is missing, None if it is not valid: uv reports the error."""
    text = read(top, path)
    if text is None:
        return None if os.path.lexists(path) else {}
    try:
        return tomls.loads(text)
    except ValueError:
        return None


def table(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the table *name* of *value*; {} if it is missing or no table."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _dictionaries(value: object) -> Iterator[dict[str, object]]:
    """Yield the dictionaries in *value* at any depth, without recursion: dotted keys nest without a limit."""
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            yield value
            value = list(value.values())
        todo += value if isinstance(value, list) else []
