# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shell lines that install a project's list of dependencies, and the requirements of the inventory, with uv."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import lock_exports
from ansible_collections.gatehouse.django.plugins.module_utils._app.dependencies import DependencyList

# Indexes of the build environment are mirrors: a lock names the indexes of the project.
INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX")
# In the unit's private /tmp.
INSTALLED, CONSTRAINTS = "/tmp/installed.txt", "/tmp/constraints.txt"
# uv exits with 1 if the lock does not match. With indexes that the lock does not name it looks for newer versions, so
# they are used only where the lock does not match without them: it can have been made with them.
CHECK_UV_LOCK = """\
first=0 second=0
{plain} 2> /tmp/first || first=$?
if [ $first != 0 ]; then {check} 2> /tmp/second || second=$?; fi
if [ $second != 0 ]; then
    if [ $first = 1 ]; then cat /tmp/first >&2; exit {stale}; fi
    cat /tmp/second >&2
    if [ $second = 1 ]; then exit {stale}; fi
    exit $second
fi"""


class Steps:
    """The steps of one virtual environment."""

    def __init__(self, found: DependencyList, uv: str, python: str, venv: str) -> None:
        self.found, self._uv, self._python = found, uv, python
        self._own = os.path.join(venv, "bin", "python")
        self._install = [uv, "pip", "install", "--quiet", "--python", self._own]

    def project(self, requirements: Sequence[str], exporter: str, directory: str) -> list[str]:
        """Return the lines that install the project's list and the *requirements* of the inventory.

        *exporter* is a file with the pinned requirements of the lock's tool, *directory* is for the tool.
        """
        found = self.found
        if not found.is_exact:
            packages = [*self._arguments(), *requirements]
            install = [shlex.join([*self._install, *packages, *self._constrained()])] if packages else []
            return [*self._constraints(), *install]
        if found.kind == "uv.lock":
            lines = self._uv_sync()
        elif found.kind in lock_exports.TOOLS:
            lines = [*lock_exports.lines(found, self._uv, exporter, directory), *self._exported()]
        else:
            lines = [shlex.join([*self._install, *self._arguments()])]
        # The list pins every package: further ones must not change what it has installed.
        more = [shlex.join([*self._install, *self._constrained(), *requirements])] if requirements else []
        return [*lines, *self._constraints(), *more]

    def server(self, requirement: str) -> str:
        """Return the command that installs the application server."""
        return shlex.join([*self._install, requirement, *self._constrained()])

    def _arguments(self) -> list[str]:
        """Return the arguments of `uv pip install` for the list."""
        found, options = self.found, self.found.options
        names = [*_each("--group", options.groups), *_each("--extra", options.extras)]
        if not found.kind:
            return []
        if found.is_package:
            # Editable: the project finds its templates and data relative to its code.
            extras = f"[{','.join(options.extras)}]" if options.extras else ""
            return ["--editable", f"{found.directory}{extras}", *_each("--group", options.groups)]
        return ["--requirements", found.path, *names]

    def _uv_sync(self) -> list[str]:
        options = self.found.options
        names = [*_each("--group", options.groups), *_each("--extra", options.extras)]
        development = [] if "dev" in options.groups else ["--no-dev"]
        check = [self._uv, "lock", "--quiet", "--check", "--python", self._python]
        plain = ["env", *(f"--unset={name}" for name in INDEX_VARIABLES), *check]
        script = CHECK_UV_LOCK.format(plain=shlex.join(plain), check=shlex.join(check), stale=lock_exports.STALE)
        sync = [self._uv, "sync", "--quiet", "--frozen", *development, *names, "--python", self._python]
        return [script, shlex.join(sync)]

    def _exported(self) -> list[str]:
        """Return the lines that install an exported lock, and the project itself if it is a package."""
        # Every line has a version and hashes, so it does not matter which index serves it.
        anywhere = ["--index-strategy", "unsafe-best-match"]
        locked = ["--requirements", lock_exports.LOCKED]
        own = [shlex.join([*self._install, "--no-deps", "--editable", self.found.directory])]
        return [
            shlex.join([*self._install, "--no-deps", *anywhere, *locked]),
            *(own if self.found.is_package else []),
        ]

    def _constraints(self) -> list[str]:
        """Return the lines that write the constraints for what is installed besides an exact list."""
        if self.found.is_exact:
            freeze = shlex.join([self._uv, "pip", "freeze", "--quiet", "--exclude-editable", "--python", self._own])
            return [f"{freeze} > {INSTALLED}"]
        lines = self.found.constraint_lines
        return [f"printf '%s\\n' {shlex.join(lines)} > {CONSTRAINTS}"] if lines else []

    def _constrained(self) -> list[str]:
        if self.found.is_exact:
            return ["--constraints", INSTALLED]
        written = [CONSTRAINTS] if self.found.constraint_lines else []
        return _each("--constraints", [*written, *self.found.constraint_files])


def _each(flag: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]
