# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find a project's list of dependencies, and whether releases can share a virtual environment of it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app import dependency_files as files
from ansible_collections.gatehouse.django.plugins.module_utils._app import dependency_groups, requirements_files
from ansible_collections.gatehouse.django.plugins.module_utils._app import dependency_search as search
from ansible_collections.gatehouse.django.plugins.module_utils._app.source import read
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

CONSTRAINTS_FILE = re.compile(r"\S+\.txt")


@dataclass(frozen=True)
class Options:
    """What the inventory says of the project's dependencies: the options of the same names."""

    requirements_file: str = ""
    groups: Sequence[str] = ()
    extras: Sequence[str] = ()
    constraints: Sequence[str] = ()

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Options:
        """Return the options that *params* of the module have."""
        names = ("requirements_file", "groups", "extras", "constraints")
        return cls(*(params.get(name) or getattr(cls, name) for name in names))

    def reads(self, name: str) -> bool:
        """Return whether the installation of dependencies reads the file *name*, relative to the project."""
        return name in (self.requirements_file, *self.constraints) or files.READ.fullmatch(name) is not None


@dataclass(frozen=True)
class DependencyList:
    """A list of dependencies: its kind (one of KINDS, or empty), its directory, and the top of the source.

    Lists with the same `fingerprint` are equal. It is empty if the environment depends on the source itself, as with an
    editable package. Then lists with the same `base` differ in nothing but that; it is empty if that is unknown.
    The tools run in the `directory`: relative paths in a list are relative to it.
    """

    kind: str
    directory: str
    top: str
    fingerprint: str
    is_package: bool = False
    path: str = ""
    # Whether it names every package with its version or hash, so that nothing may change them.
    is_exact: bool = False
    options: Options = Options()
    base: str = ""

    @property
    def is_source_bound(self) -> bool:
        """Return whether the environment belongs to a single release."""
        return not self.fingerprint

    @property
    def searched_from(self) -> str:
        """Return the directory where the search started, for a message."""
        return os.path.relpath(self.directory, os.path.dirname(self.top))

    @property
    def description(self) -> str:
        """Return what is installed, for the operator: `backend/uv.lock (groups: production)`. Empty without a list."""
        if not self.kind:
            return ""
        names = {"groups": self.options.groups, "extras": self.options.extras}
        chosen = "; ".join(f"{option}: {', '.join(found)}" for option, found in names.items() if found)
        return os.path.relpath(self.path, self.top) + (f" ({chosen})" if chosen else "")

    @property
    def constraint_lines(self) -> list[str]:
        """Return the constraints that are no files."""
        return [one for one in self.options.constraints if not CONSTRAINTS_FILE.fullmatch(one)]

    @property
    def constraint_files(self) -> list[str]:
        """Return the names of the constraints files, relative to the directory."""
        return [one for one in self.options.constraints if CONSTRAINTS_FILE.fullmatch(one)]


def find(project: str, top: str, options: Options | None = None) -> DependencyList:
    """Return the list of dependencies of *project* in the source *top*: the one that *options* name, or the nearest.

    Raise ReleaseError if a lock would be ignored, or if the options do not fit the list.
    """
    chosen = options or Options()
    path = (
        search.named(project, top, chosen.requirements_file)
        if chosen.requirements_file
        else search.nearest(project, top)
    )
    kind = files.kind_of(path) if path else ""
    directory = _directory(kind, path, project, top)
    dependency_groups.check(kind, path, directory, top, chosen.groups, chosen.extras)
    is_exact = kind in files.LOCKS or (kind == files.REQUIREMENTS and requirements_files.has_hashes(path, top))
    found = os.path.relpath(path, top) if path else ""
    if is_exact and chosen.constraints:
        raise ReleaseError(
            f"constraints: '{found}' names the version of every package, so constraints would have no effect. Remove "
            "the option, and change the list instead."
        )
    constraints = [os.path.join(project, one) for one in chosen.constraints if CONSTRAINTS_FILE.fullmatch(one)]
    for name in constraints:
        search.check_file(name, top, "constraints")
    is_package = _is_package(kind, directory, top)
    texts = None if is_package or files.configures_uv(directory, top, kind) else _texts(kind, path, top)
    more = requirements_files.requirements_texts(constraints, top)
    is_bound = texts is None or more is None or (kind == "uv.lock" and directory != os.path.dirname(path))
    fingerprint = "" if is_bound else _hash([kind, *(texts or []), *(more or [])] if kind else more or [])
    own = _texts_of_base(kind, path, top) if is_bound and more is not None else None
    base = "" if own is None else _hash([kind, *own, *(more or [])])
    placed = Options(chosen.requirements_file, chosen.groups, chosen.extras, _placed(chosen.constraints, project))
    return DependencyList(kind, directory, top, fingerprint, is_package, path, is_exact, placed, base)


def _texts(kind: str, path: str, top: str) -> list[str] | None:
    return files.texts_of(kind, path, top) if kind else []


def _texts_of_base(kind: str, path: str, top: str) -> list[str] | None:
    """Return the texts that decide the dependencies of a project that is itself installed; None if unknown."""
    if kind in files.LOCKS:
        # The tool of the lock installs the rest.
        text = read(top, path)
        return None if text is None else [text]
    known = kind == "pyproject.toml" and not files.configures_uv(os.path.dirname(path), top, kind)
    return files.project_texts(path, top, allow_package=True) if known else None


def _placed(constraints: Sequence[str], project: str) -> list[str]:
    """Return the constraints, files as absolute paths."""
    return [os.path.join(project, one) if CONSTRAINTS_FILE.fullmatch(one) else one for one in constraints]


def _directory(kind: str, path: str, project: str, top: str) -> str:
    """Return the directory where the tools run."""
    if not path:
        return project
    beside = os.path.dirname(path)
    if kind == "uv.lock":
        # uv installs the member of a workspace in whose directory it runs.
        member = project
        while len(member) > len(beside) and not os.path.isfile(os.path.join(member, "pyproject.toml")):
            member = os.path.dirname(member)
        return member if member != beside and search.covers(path, member, top) else beside
    # Paths in a requirements file are relative to the directory where pip runs, which is usually the project's.
    return os.path.commonpath([project, beside]) if kind == files.REQUIREMENTS else beside


def _is_package(kind: str, directory: str, top: str) -> bool:
    """Return whether the project itself is installed beside its dependencies."""
    project = files.toml(top, os.path.join(directory, "pyproject.toml")) or {}
    if kind not in ("pyproject.toml", "poetry.lock", "pdm.lock") or not files.is_package(project):
        return False
    poetry, pdm = (files.table(files.table(project, "tool"), name) for name in ("poetry", "pdm"))
    if kind == "pdm.lock":
        return pdm.get("distribution", True) is not False
    if kind == "poetry.lock" and poetry.get("package-mode", True) is not False:
        # Many projects keep poetry's default and have no such package: they run `poetry install --no-root`.
        name = str(poetry.get("name") or files.table(project, "project").get("name"))
        module = re.sub(r"[-. ]+", "_", name)
        places = (os.path.join(directory, *more, module) for more in ((), ("src",)))
        return "packages" in poetry or any(os.path.exists(place + end) for place in places for end in ("", ".py"))
    return kind == "pyproject.toml"


def _hash(texts: list[str]) -> str:
    found = hashlib.sha256()
    for text in texts:
        found.update(f"{len(text)} {text}".encode())
    return found.hexdigest()
