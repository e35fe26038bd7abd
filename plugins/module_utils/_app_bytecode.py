# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compiles all that a release may import: its processes run as a user who cannot write beside it."""

from __future__ import annotations

import contextlib
import filecmp
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
    """Link what is compiled of the files that are the same in both environments.

    Python knows by a file's time of change whether what was compiled is still of it (PEP 3147).
    """
    for compiled in _directories(os.path.join(served, "lib")):
        before = os.path.dirname(compiled)
        now = os.path.join(venv, os.path.relpath(before, served))
        for name in os.listdir(compiled):
            source = f"{name.partition('.')[0]}.py"
            if _share(os.path.join(now, source), os.path.join(before, source)):
                os.makedirs(os.path.join(now, "__pycache__"), exist_ok=True)
                # What cannot be linked, or is there, is for the compiler.
                with contextlib.suppress(OSError):
                    os.link(os.path.join(compiled, name), os.path.join(now, "__pycache__", name))


def _directories(top: str) -> list[str]:
    return [path for path, _directories, _files in os.walk(top) if os.path.basename(path) == "__pycache__"]


def _share(path: str, other: str) -> bool:
    """Whether both are one file, linked from uv's cache, or copies, where that is on another file system.

    A copy gets the other one's time of change.
    """
    try:
        own, theirs = os.stat(path), os.stat(other)
    except FileNotFoundError:
        return False
    if os.path.samestat(own, theirs):
        return True
    # What is linked is not ours to change.
    if own.st_nlink > 1 or own.st_size != theirs.st_size or not filecmp.cmp(path, other, shallow=False):
        return False
    os.utime(path, ns=(theirs.st_atime_ns, theirs.st_mtime_ns))
    return True
