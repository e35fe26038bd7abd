# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create the virtual environment of a release with uv, and compile the code of the release."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import dependencies, lock_exports, remedies
from ansible_collections.gatehouse.django.plugins.module_utils._app import dependency_search as search
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
from ansible_collections.gatehouse.django.plugins.module_utils._app.dependency_files import KINDS
from ansible_collections.gatehouse.django.plugins.module_utils._app.install_steps import Steps
from ansible_collections.gatehouse.django.plugins.module_utils._app.pinned import install
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail

UV_ENVIRONMENT = {
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_NO_PROGRESS": "1",
    # With links, the next build could write into a release through the cache.
    "UV_LINK_MODE": "copy",
    "NO_COLOR": "1",
}
# The exit code of the script of make_venv() if Django is missing.
NO_DJANGO = 86


def install_uv(tools: Tools, python: str, directory: str, requirement: str) -> str:
    """Install uv into a virtual environment of its own unless it exists, and return its path.

    *requirement* pins its version and the digests of its wheels.
    """
    version = re.match(r"uv==([0-9a-zA-Z.]+)", requirement)
    if version is None:
        raise ReleaseError(f"uv: '{requirement[:40]}' does not begin with 'uv==' and a version")
    home = os.path.join(directory, f"uv-{version[1]}")
    uv = os.path.join(home, "bin", "uv")
    # A partial installation by a killed run fails here.
    if not os.path.exists(uv) or tools.attempt([uv, "--version"])[0] != 0:
        install(tools, python, home, requirement)
    return uv


def make_venv(
    builder: Builder,
    uv: str,
    python: str,
    venv: str,
    found: dependencies.DependencyList,
    requirements: Sequence[str],
    server: str,
    exporter: str = "",
    variables: Mapping[str, str] | None = None,
) -> None:
    """Install the dependencies of the project, those of the inventory and the server into *venv*.

    One unit runs all steps. The directory exists, is empty, and belongs to the building user. *exporter* is a file with
    the pinned requirements of the tool that reads the project's lock. *variables* are for git.
    """
    cache = os.path.join(builder.cache, "uv")
    own = os.path.join(venv, "bin", "python")
    steps = Steps(found, uv, python, venv)
    lines = [
        "set -eu",
        shlex.join([uv, "venv", "--quiet", "--allow-existing", "--python", python, venv]),
        *steps.project(requirements, exporter, os.path.join(builder.cache, "exporter")),
        f"[ -e {shlex.quote(venv)}/bin/gunicorn ] || {steps.server(server)}",
        # A release never changes, so it needs no lock file of uv, which any user can write to.
        f"rm -f {shlex.quote(venv)}/.lock",
        f"{shlex.quote(own)} -B -c 'import django' || exit {NO_DJANGO}",
        compile_line(own, os.path.join(venv, "lib")),
    ]
    environment = {**UV_ENVIRONMENT, "UV_CACHE_DIR": cache, "UV_PROJECT_ENVIRONMENT": venv, "VIRTUAL_ENV": venv}
    environment |= variables or {}
    writable = [builder.cache, venv, *([found.top] if found.is_source_bound else [])]
    argv = ["sh", "-c", "\n".join(lines)]
    code, out, err = builder.attempt(argv, writable=writable, cwd=found.directory, env=environment)
    if code == NO_DJANGO:
        raise ReleaseError(no_django(found, tail(err, 5)))
    if code == lock_exports.STALE:
        raise ReleaseError(lock_exports.explain_stale(found, tail(err or out)))
    if code != 0:
        listed = f" of {found.description}" if found.kind else ""
        said = f"installing the dependencies{listed} failed ({code}):\n{tail(err or out)}"
        raise ReleaseError(f"{said}\n{remedies.of_installation(err or out)}".rstrip())


def no_django(found: dependencies.DependencyList, printed: str) -> str:
    """Return the error for an environment without Django."""
    others = [path for path in search.candidates(found.top) if os.path.join(found.top, path) != found.path]
    looked = (
        f"'{found.description}' was installed"
        if found.kind
        else (f"searched for {', '.join(KINDS)} from '{found.searched_from}' upwards")
    )
    known = f" set requirements_file to another list of the source ({', '.join(others)})," if others else ""
    return (
        f"the dependencies do not include Django: {looked}. Add it to the project's list,{known} or list packages in "
        f"django_app_requirements.\n{printed}"
    )


def compile_source(builder: Builder, python: str, source: str) -> None:
    """Compile the source: the app's user cannot write bytecode there.

    *python* is the host's interpreter of the virtual environment: the building user cannot enter that environment.
    """
    builder.run(["sh", "-c", compile_line(python, source)], writable=[source])


def compile_line(python: str, directory: str) -> str:
    """Return a shell command that compiles *directory*. An invalid file fails only when it is imported."""
    argv = [python, "-m", "compileall", "-q", "-q", "-j", "0", "-x", "/node_modules/", directory]
    return f"{shlex.join(argv)} || :"
