# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep an app's releases for rollbacks, and its newest failed candidates for inspection."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree

KEPT_FAILURES = 2
# The caches of uv and npm grow with each new version of a package. Emptied, they cost one slower build.
CACHE_BYTES = 2 << 30
# The mark of a complete virtual environment. It is beside the directory, where the building user cannot write.
VENV_MARK = ".complete"
# The mark of a failed candidate that could not migrate databases in which nothing was migrated before.
NEW_DATABASES = ".new_databases"


def prune(app: App, current: str, keep: int) -> None:
    """Remove the releases beyond *keep*, except those with running processes."""
    for identifier in app.prunable_releases(current, keep):
        path = app.release(identifier)
        if not is_used(path):
            try:
                # Remove the mark first: a partial release must not count as complete.
                files.remove(Path(path, ".complete"))
                tree.remove_tree(path)
            except OSError as error:
                raise ReleaseError(
                    f"release {current} is served, but the old release {path} cannot be removed: {error}"
                ) from error

    prune_venvs(app)
    prune_cache(app)


def prune_cache(app: App) -> None:
    """Empty the caches of the app's builds if they are larger than CACHE_BYTES."""
    size = 0
    for entry in tree.entries(app.cache):
        with contextlib.suppress(OSError):
            size += entry.stat(follow_symlinks=False).st_blocks * 512
    if size > CACHE_BYTES:
        for name in os.listdir(app.cache):
            _remove(os.path.join(app.cache, name))


def prune_venvs(app: App) -> None:
    """Remove the virtual environments that no release uses."""
    used = {
        os.path.basename(os.readlink(venv))
        for directory in (app.releases, app.failed)
        for venv in Path(directory).glob("*/venv")
        if venv.is_symlink()
    }
    # Remove the mark first, as of a release.
    for mark in Path(app.venvs).glob(f"*{VENV_MARK}"):
        if mark.name.removesuffix(VENV_MARK) not in used:
            files.remove(mark)
    for path in Path(app.venvs).iterdir():
        if path.name.removesuffix(VENV_MARK) not in used:
            tree.remove_tree(str(path))


def mark_served(app: App, identifier: str) -> None:
    """Record that the release was put into service after all others, even if the clock of the host was set back."""
    others = [app.mark(name) for name in os.listdir(app.releases) if name != identifier]
    mark = app.release(identifier) + "/.activated"
    Path(mark).touch()
    _make_newest(mark, [other for other in others if other])


def restore_mark(app: App, identifier: str, last_served: float) -> None:
    """Undo mark_served() for a release that the host has gone back from, so that no rollback returns to it.

    *last_served* is what App.last_served() returned before.
    """
    mark = Path(app.release(identifier), ".activated")
    if not last_served:
        files.remove(mark)
    elif mark.exists():
        os.utime(mark, (last_served, last_served))


def _make_newest(path: str, others: Iterable[str]) -> None:
    """Give *path* the present time, and earlier times in their order to those of *others* that are of the future.

    A clock that was wrong left these. Otherwise they would count as newer for as long as it was wrong by.
    """
    now = time.time()
    by_age = sorted(((os.lstat(other).st_mtime, other) for other in others), reverse=True)
    for age, (stamp, other) in enumerate(by_age, 1):
        if stamp > now - age:
            os.utime(other, (now - age, now - age), follow_symlinks=False)
    os.utime(path, (now, now), follow_symlinks=False)


def put_aside(app: App, identifier: str) -> str:
    """Move a failed candidate out of the releases, and return a sentence with its place; never raise.

    Remove it instead on a full file system, because the app and the next deployment need the space.
    """
    path = app.release(identifier)
    try:
        lacking = shortage(app.home, path)
        if not lacking:
            return _keep(app, identifier)
        _remove(app.failed)
    except OSError as error:
        lacking = f"it could not be moved to {app.failed}: {error.strerror or error}"
    _remove(path)
    with contextlib.suppress(OSError):
        # The environment of the candidate may use most of the space.
        prune_venvs(app)
    remains = f" Remove {path} by hand." if os.path.exists(path) else ""
    return f"The candidate was removed, because {lacking}.{remains}"


def _keep(app: App, identifier: str) -> str:
    os.makedirs(app.failed, mode=0o755, exist_ok=True)
    target = os.path.join(app.failed, identifier)
    _remove(target)
    os.rename(app.release(identifier), target)
    others = [path for path in Path(app.failed).iterdir() if path.name != identifier]
    _make_newest(target, map(str, others))
    newest = sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest[KEPT_FAILURES - 1 :]:
        _remove(str(path))
    return f"The candidate is kept in {target} for inspection.{'' if app.current() else _explain_first(app)}"


def _explain_first(app: App) -> str:
    """Return what a failed first deployment leaves behind."""
    return (
        f" The next deployment replaces it and uses the data in {app.data} again. To remove everything of the app, "
        f"deploy it with state: absent, remove_data: true and -e confirm={app.name}."
    )


def has_new_databases(app: App) -> bool:
    """Return whether a failed first deployment has left databases that are migrated in part."""
    return any(os.path.exists(os.path.join(app.failed, name, NEW_DATABASES)) for name in app.failures())


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        tree.remove_tree(path)


def shortage(home: str, path: str) -> str:
    """Return which space the file system of *home* lacks for another *path*; an empty text if it has enough."""
    size, count = disk_usage(path)
    found = os.statvfs(home)
    left = found.f_bavail * found.f_frsize
    if left <= size:
        return f"the file system of {home} has {left / 1e6:.0f} MB left"
    # f_files is 0 if the file system has no fixed number of inodes (statvfs(3)).
    if found.f_files and found.f_favail <= count:
        return f"the file system of {home} has {found.f_favail} inodes left ('df --inodes')"
    return ""


def disk_usage(path: str) -> tuple[int, int]:
    """Return the bytes and inodes that removing the release *path* frees: files with other links stay."""
    size = count = 0
    venv = os.path.join(path, "venv")
    # No other release uses an incomplete virtual environment.
    shared = os.path.islink(venv) and os.path.exists(os.path.realpath(venv) + VENV_MARK)
    tops = [path] if shared or not os.path.islink(venv) else [path, os.path.realpath(venv)]
    for entry in itertools.chain.from_iterable(map(tree.entries, tops)):
        if entry.is_dir(follow_symlinks=False):
            count += 1
        elif (found := entry.stat(follow_symlinks=False)).st_nlink == 1:
            size, count = size + found.st_blocks * 512, count + 1
    return size, count


def is_used(release: str) -> bool:
    """Return whether a process has its working directory in the release (proc_pid_cwd(5))."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"{os.readlink(entry / 'cwd')}/".startswith(f"{release}/"):
                    return True
            except OSError:
                continue
    return False
