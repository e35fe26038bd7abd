# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of an app's releases: those that work for a way back, and a few that do not for a look."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils import _files as disk
from ansible_collections.gatehouse.django.plugins.module_utils._app_host import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree

KEPT_FAILURES = 2
# Beside a virtual environment that was made to its end, where those who build it cannot write.
VENV_MARK = ".complete"


def prune(app: App, current: str, keep: int) -> None:
    """Remove the releases that are not kept, but none that still runs."""
    for identifier in app.superfluous(current, keep):
        path = app.release(identifier)
        if not is_used(path):
            # Without its mark first: half of a release must not look like one.
            disk.remove(Path(path, ".complete"))
            tree.remove_tree(path)
    prune_venvs(app)


def prune_venvs(app: App) -> None:
    """Remove the virtual environments that no release refers to."""
    kept = {
        os.path.basename(os.readlink(venv))
        for directory in (app.releases, app.failed)
        for venv in Path(directory).glob("*/venv")
        if venv.is_symlink()
    }
    # Without its mark first, as a release.
    for mark in Path(app.venvs).glob(f"*{VENV_MARK}"):
        if mark.name.removesuffix(VENV_MARK) not in kept:
            disk.remove(mark)
    for path in Path(app.venvs).iterdir():
        if path.name.removesuffix(VENV_MARK) not in kept:
            tree.remove_tree(str(path))


def put_aside(app: App, identifier: str) -> str:
    """Move a release that does not work to where nobody takes it for one that does, and say so.

    Of an app that never served anything nothing is kept: its first deploy leaves the host as it was.
    """
    if not app.current():
        tree.remove_tree(app.release(identifier))
        return ""
    os.makedirs(app.failed, mode=0o755, exist_ok=True)
    target = os.path.join(app.failed, identifier)
    tree.remove_tree(target)
    os.rename(app.release(identifier), target)
    os.utime(target)
    newest = sorted(Path(app.failed).iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest[KEPT_FAILURES:]:
        with contextlib.suppress(OSError):
            tree.remove_tree(str(path))
    return f"It is kept for a look in {target}."


def is_used(release: str) -> bool:
    """Whether a process works in the directory of a release (proc_pid_cwd(5))."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"{os.readlink(entry / 'cwd')}/".startswith(f"{release}/"):
                    return True
            except OSError:
                continue
    return False
