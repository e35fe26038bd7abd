# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install the dependencies of a candidate: into an environment of its own, or one that releases share."""

from __future__ import annotations

import grp
import hashlib
import os
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import (
    dependencies,
    git_requirements,
    lock_exports,
    store,
    venv_copy,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app import venv as venvs
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Params, Private
from ansible_collections.gatehouse.django.plugins.module_utils._app.shared_tools import SharedTools
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree


class BuildVenv:
    """The virtual environment of the candidate in the directory *path*."""

    def __init__(
        self,
        tools: Tools,
        app: App,
        builder: Builder,
        shared: SharedTools,
        params: Params,
        private: Private,
        path: str,
    ) -> None:
        self.tools, self.app, self.builder, self.shared = tools, app, builder, shared
        self.params, self.plan, self.private, self.path = params, params["plan"], private, path
        self.venv = os.path.join(path, "venv")
        # Of the dependencies of an environment that contains the project; empty otherwise.
        self.key = ""

    def install(self, source: str, project: str, python: str, python_key: str, owner: tuple[int, int]) -> str:
        """Install the dependencies of the *project* in the *source*; return which list names them, for the operator.

        *owner* are the numbers of the building user. *python_key* identifies the interpreter *python*.
        """
        found = dependencies.find(project, source, dependencies.Options.of(self.params))
        exporter = lock_exports.pinned(found.kind, self.plan["exporters"])
        key = f"{self.plan['venv_digest']} {python_key} {found.fingerprint or found.base}{exporter}"
        if found.is_source_bound:
            self.key = key if found.base else ""
            self._make(self.venv, found, python, owner)
        else:
            self._share(key, found, python, owner)
        return found.description or self.params["source"].get("pypi") or "no list of the project"

    def protect(self, owner: tuple[int, int]) -> None:
        """Give the environment to root, unless releases share it."""
        if not os.path.islink(self.venv):
            # It contains the project's code if that is a package, so other users must not read it.
            self._take_over(self.venv, owner, tree.Access(0, self._group(), 0o750, 0o640, 0o750))
            venv_copy.mark(self.path, self.key)

    def _share(self, key: str, found: dependencies.DependencyList, python: str, owner: tuple[int, int]) -> None:
        shared = os.path.join(self.app.venvs, hashlib.sha256(key.encode()).hexdigest()[:16])
        os.symlink(os.path.relpath(shared, self.path), self.venv)
        if not os.path.exists(shared + store.VENV_MARK):
            self._make(shared, found, python, owner)
            # The building user reads it for later releases. Only the app can enter its parent.
            self._take_over(shared, owner, tree.Access(0, self._group()))
            Path(shared + store.VENV_MARK).touch()

    def _make(self, venv: str, found: dependencies.DependencyList, python: str, owner: tuple[int, int]) -> None:
        uv, pypi = self.shared.uv(), self.params["source"].get("pypi")
        requirements = [*([pypi] if pypi else []), *self.params["requirements"]]
        tree.remove_tree(venv)
        if not venv_copy.begin(self.tools, self.app, venv, self.key, owner):
            os.mkdir(venv, 0o755)
            os.chown(venv, *owner)
        exporter = Path(self.path, "exporter.txt")
        exporter.write_text(lock_exports.pinned(found.kind, self.plan["exporters"]), encoding="utf-8")
        access, server = self.private["access"], self.plan["server"]
        urls = git_requirements.private_urls(found, requirements, access)
        try:
            with git_requirements.copied(self.builder, urls, access, self.path, owner) as variables:
                venvs.make_venv(self.builder, uv, python, venv, found, requirements, server, str(exporter), variables)
        finally:
            exporter.unlink()

    def _take_over(self, venv: str, owner: tuple[int, int], access: tree.Access) -> None:
        tree.take_over(venv, owner[0], access)
        self.tools.run(["sync", "--file-system", venv])

    def _group(self) -> int:
        return grp.getgrnam(self.app.name).gr_gid
