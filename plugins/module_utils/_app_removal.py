# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes an app off a host. Its data stays, unless that is to go, too."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import stat
import time
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils import _files as disk
from ansible_collections.gatehouse.django.plugins.module_utils._app_host import App, active_units
from ansible_collections.gatehouse.django.plugins.module_utils._app_run import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app_units import Units


def leftovers(units: Units, *, data: bool) -> list[str]:
    """The paths to remove, none of which is anybody else's: an app that is not here may share a directory's name."""
    app = units.app
    left = _is_left_data(app.data)
    if not units.on_host() and not _has_user(app) and not left:
        return []
    places = [app.link, app.releases, app.failed, *([app.data] if data else [])]
    return [*units.on_host(), *(path for path in places if os.path.lexists(path))]


def remove(tools: Tools, units: Units, *, data: bool) -> None:
    """Stop all that the app runs, and remove what leftovers() found."""
    app = units.app
    paths = leftovers(units, data=data)
    units.drop(units.stale({}))
    running = active_units(tools, app)
    if running:
        tools.run(["systemctl", "stop", *running])
    tools.attempt(["systemctl", "reset-failed", f"{app.name}-web@*"])
    end_processes(app)
    disk.remove(Path(app.link))
    for path in paths:
        if os.path.isdir(path):
            shutil.rmtree(path)
    if os.path.isdir(app.data):
        # Its owner is about to go, and the next user of the host may get the same number.
        os.chown(app.data, 0, -1)
        os.chmod(app.data, 0o700)
    elif os.path.isdir(app.home) and not os.listdir(app.home):
        os.rmdir(app.home)


def end_processes(app: App, patience: float = 5.0) -> None:
    """End what still runs as the app's user, like a management command: a user with processes cannot be removed."""
    if not _has_user(app):
        return
    uid = pwd.getpwnam(app.name).pw_uid
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + patience
        for pid in _processes(uid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while _processes(uid) and time.monotonic() < deadline:
            time.sleep(0.1)


def _processes(uid: int) -> list[int]:
    """The processes of a user of this host: the same number in a container is somebody else."""
    found, top = [], os.stat("/")
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                root = os.stat(f"/proc/{entry.name}/root")
                if os.path.samestat(root, top) and os.stat(entry.path).st_uid == uid:
                    found.append(int(entry.name))
    return found


def _has_user(app: App) -> bool:
    try:
        return pwd.getpwnam(app.name).pw_dir == app.data
    except KeyError:
        return False


def _is_left_data(path: str) -> bool:
    """Whether it is what an earlier removal has left."""
    if not os.path.isdir(path):
        return False
    found = os.stat(path)
    return found.st_uid == 0 and stat.S_IMODE(found.st_mode) == 0o700
