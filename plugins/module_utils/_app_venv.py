# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the virtual environment of a release with uv."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app_run import ReleaseError, Tools

UV_ENVIRONMENT = {
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_NO_PROGRESS": "1",
    "NO_COLOR": "1",
}


def install_uv(tools: Tools, python: str, directory: str, version: str) -> str:
    """Path of uv in the given version, installed into a virtual environment of its own when it is not there yet."""
    uv = os.path.join(directory, f"uv-{version}", "bin", "uv")
    # A half-installed one, after a killed run, does not answer.
    if not os.path.exists(uv) or tools.attempt([uv, "--version"])[0] != 0:
        home = os.path.dirname(os.path.dirname(uv))
        os.makedirs(directory, exist_ok=True)
        tools.run([python, "-m", "venv", "--clear", home])
        pip = [os.path.join(home, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        tools.run([*pip, f"uv=={version}"])
    return uv


def is_package(pyproject: str) -> bool:
    """Whether the project is to be installed itself: uv's own rule, a build system is declared."""
    with open(pyproject, encoding="utf-8") as file:
        return re.search(r"^\s*\[build-system\]", file.read(), re.MULTILINE) is not None


def find_dependencies(project: str, top: str) -> tuple[str, str]:
    """Kind and directory of the project's list of dependencies: nearest to the project, uv.lock before the others."""
    directory = project
    while True:
        for name in ("uv.lock", "requirements.txt", "pyproject.toml"):
            if os.path.exists(os.path.join(directory, name)):
                return name, directory
        if directory == top:
            return "", project
        directory = os.path.dirname(directory)


def install_arguments(kind: str, directory: str) -> list[str]:
    """What `uv pip install` is told for the dependencies of *kind*."""
    path = os.path.join(directory, kind)
    if kind == "pyproject.toml" and is_package(path):
        # Editable: the code runs where the project's own paths expect it, next to its templates and data.
        return ["--editable", directory]
    return ["--requirements", path] if kind else []


def make_venv(
    tools: Tools, uv: str, python: str, release: str, project: str, requirements: Sequence[str], server: str
) -> None:
    """The virtual environment of a release: what the project asks for, what the inventory adds, and the server."""
    venv, top = os.path.join(release, "venv"), os.path.join(release, "src")
    env = {**UV_ENVIRONMENT, "UV_PYTHON": python, "UV_PROJECT_ENVIRONMENT": venv, "VIRTUAL_ENV": venv}
    tools.run([uv, "venv", "--quiet", "--python", python, venv], env=env)
    kind, directory = find_dependencies(project, top)
    wanted = [*requirements]
    if kind == "uv.lock":
        tools.run([uv, "sync", "--quiet", "--frozen", "--no-dev"], cwd=directory, env=env)
    else:
        wanted = [*install_arguments(kind, directory), *wanted]
    # From here on the environment's own python counts; UV_PYTHON would lead back to the system's.
    env["UV_PYTHON"] = os.path.join(venv, "bin", "python")
    if wanted:
        tools.run([uv, "pip", "install", "--quiet", *wanted], cwd=directory, env=env)
    if not os.path.exists(os.path.join(venv, "bin", "gunicorn")):
        tools.run([uv, "pip", "install", "--quiet", server], cwd=directory, env=env)
    # uv's own lock, which anyone may write to, has no use in a release that never changes.
    with contextlib.suppress(FileNotFoundError):
        os.remove(os.path.join(venv, ".lock"))
    if tools.attempt([env["UV_PYTHON"], "-B", "-c", "import django"])[0] != 0:
        raise ReleaseError(
            "the dependencies do not bring Django: looked for uv.lock, requirements.txt and pyproject.toml from "
            f"'{os.path.relpath(project, release)}' upwards. Add one, or list packages in django_app_requirements."
        )
