# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create the virtual environment of a release with uv, and compile the code of the release."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import dependencies
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
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
) -> None:
    """Install the dependencies of the project, those of the inventory and the server into *venv*.

    One unit runs all steps. The directory exists, is empty, and belongs to the building user.
    """
    cache = os.path.join(builder.cache, "uv")
    own = os.path.join(venv, "bin", "python")
    install = [uv, "pip", "install", "--quiet", "--python", own]
    packages = [*found.arguments, *requirements]
    sync = [[uv, "sync", "--quiet", "--frozen", "--no-dev", "--python", python]] if found.kind == "uv.lock" else []
    steps = [
        [uv, "venv", "--quiet", "--allow-existing", "--python", python, venv],
        *sync,
        *([[*install, *packages]] if packages else []),
    ]
    lines = [
        "set -eu",
        *map(shlex.join, steps),
        f"[ -e {shlex.quote(venv)}/bin/gunicorn ] || {shlex.join([*install, server])}",
        # A release never changes, so it needs no lock file of uv, which any user can write to.
        f"rm -f {shlex.quote(venv)}/.lock",
        f"{shlex.quote(own)} -B -c 'import django' || exit {NO_DJANGO}",
        compile_line(own, os.path.join(venv, "lib")),
    ]
    environment = {**UV_ENVIRONMENT, "UV_CACHE_DIR": cache, "UV_PROJECT_ENVIRONMENT": venv, "VIRTUAL_ENV": venv}
    writable = [builder.cache, venv, *([found.top] if found.is_source_bound else [])]
    argv = ["sh", "-c", "\n".join(lines)]
    code, out, err = builder.attempt(argv, writable=writable, cwd=found.directory, env=environment)
    if code == NO_DJANGO:
        raise ReleaseError(
            "the dependencies do not include Django: searched for uv.lock, requirements.txt and pyproject.toml "
            f"from '{found.searched_from}' upwards. Add one of them, or list packages in django_app_requirements.\n"
            f"{tail(err, 5)}"
        )
    if code != 0:
        raise ReleaseError(f"installing the dependencies failed ({code}):\n{tail(err or out)}")


def compile_source(builder: Builder, python: str, source: str) -> None:
    """Compile the source: the app's user cannot write bytecode there.

    *python* is the host's interpreter of the virtual environment: the building user cannot enter that environment.
    """
    builder.run(["sh", "-c", compile_line(python, source)], writable=[source])


def compile_line(python: str, directory: str) -> str:
    """Return a shell command that compiles *directory*. An invalid file fails only when it is imported."""
    argv = [python, "-m", "compileall", "-q", "-q", "-j", "0", "-x", "/node_modules/", directory]
    return f"{shlex.join(argv)} || :"
