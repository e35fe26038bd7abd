# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compiles all that a release may import: its processes run as a user who cannot write beside it."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._app_run import Tools


def compile_all(tools: Tools, release: str, served: str) -> None:
    """Compile the packages and the source of *release*, but what *served*, another release or nothing, has compiled."""
    venv = os.path.join(release, "venv")
    if served:
        reuse(venv, os.path.join(served, "venv"))
    argv = [os.path.join(venv, "bin", "python"), "-m", "compileall", "-q", "-q", "-j", "0"]
    # A file that is no valid Python is nobody's concern until it is imported.
    tools.attempt([*argv, os.path.join(venv, "lib"), os.path.join(release, "src")])


def reuse(venv: str, served: str) -> None:
    """Link what is compiled of the files that both environments share: uv links those from its cache.

    Such a file has one time of change wherever it stands, by which Python knows what was compiled of it (PEP 3147).
    """
    for compiled in _directories(os.path.join(served, "lib")):
        before = os.path.dirname(compiled)
        now = os.path.join(venv, os.path.relpath(before, served))
        for name in os.listdir(compiled):
            source = f"{name.partition('.')[0]}.py"
            if _is_same(os.path.join(now, source), os.path.join(before, source)):
                os.makedirs(os.path.join(now, "__pycache__"), exist_ok=True)
                os.link(os.path.join(compiled, name), os.path.join(now, "__pycache__", name))


def _directories(top: str) -> list[str]:
    return [path for path, _directories, _files in os.walk(top) if os.path.basename(path) == "__pycache__"]


def _is_same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except FileNotFoundError:
        return False
