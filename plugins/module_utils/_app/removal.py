# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove an app from a host, and its data if requested."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import stat
import time
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App, active_units
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, mounts, tree, valkey


def removable(units: Units, *, data: bool) -> list[str]:
    """Return the paths and users of the app to remove, none of another owner of the same name."""
    app = units.app
    users = accounts.present(app)
    if not units.on_host() and not users and not _is_kept_data(app.data) and not _is_rest(app):
        return []
    return [*units.on_host(), *_paths(app, data), *(f"user {name}" for name in users)]


def unconfirmed(app: App, confirmed: str) -> str:
    """Return why the data of the app must not be removed yet; an empty text if it may, or if there is none."""
    instance = valkey.instance(app.name, "broker")
    broker = valkey.data(instance)
    places = [f"{app.data} with the database and uploads in it"] if os.path.lexists(app.data) else []
    places += [f"{', '.join(app.replaced_data())} with data from before a restore"] if app.replaced_data() else []
    places += (
        [f"{broker} with all that the broker holds"] if os.path.isdir(broker) and not valkey.is_remote(instance) else []
    )
    if confirmed == app.name or not places:
        return ""
    given = f"'{confirmed}' was confirmed, but this is the app '{app.name}'" if confirmed else "this cannot be undone"
    return (
        f"remove_data: would delete {' and '.join(places)}, and {given}. To confirm it, add "
        f"-e confirm={app.name}. To keep the data, remove the option. Nothing was changed."
    )


def _paths(app: App, data: bool) -> list[str]:
    places = [app.link, app.releases, app.failed, app.venvs, app.cache, app.copies, app.snapshots]
    places += [app.data, *app.replaced_data()] if data else []
    return [path for path in places if os.path.lexists(path)]


def remove(tools: Tools, units: Units, *, data: bool) -> None:
    """Stop all processes of the app, and remove what removable() lists."""
    app = units.app
    check_mounts(app, _paths(app, data))
    units.drop(units.stale({}))
    running = active_units(tools, app)
    if running:
        tools.run(["systemctl", "stop", *running])
    # Servers of copies of its data (_postgresql/copy_server.py), which have their files in `copies`.
    tools.attempt(["systemctl", "stop", f"gatehouse-*-server@{app.name}.service"])
    tools.attempt(["systemctl", "reset-failed", f"{app.name}-web@*"])
    for name in accounts.present(app):
        end_processes(pwd.getpwnam(name).pw_uid)
    for name in valkey.of_app(app.name):
        # Role valkey removes them. Until then, none must have a group of the host that does not exist any more.
        if engine := valkey.engine_of(name):
            tools.attempt(["systemctl", "stop", engine.unit(name)])
    # The slice is empty by now, but systemd would still list it.
    tools.attempt(["systemctl", "stop", units.slice])
    files.remove(Path(app.link))
    files.remove(Path(app.runs_once))
    for path in _paths(app, data):
        if path != app.releases:
            tree.remove_tree(path)
    # The directory itself stays until the end: the next run finds an app by it, and finishes what was interrupted.
    for name in app.all_releases():
        tree.remove_tree(app.release(name))
    if os.path.isdir(app.data):
        # The app's user is removed next, and a new user of the host can get the same ID.
        with tree.opened(app.home, "data") as descriptor:
            os.fchown(descriptor, 0, -1)
            os.fchmod(descriptor, 0o700)
    accounts.remove(tools, app)
    for path in (app.releases, app.home):
        if _is_empty(path):
            os.rmdir(path)


def check_mounts(app: App, paths: Iterable[str], table: str = mounts.TABLE) -> None:
    """Raise ReleaseError if a file system is mounted in one of *paths*: it may contain more than the app's files."""
    for path in paths:
        for point in mounts.below(path, table):
            raise ReleaseError(
                f"'{point}' is a mount point: removing the app would delete the files on that file system. "
                f"Nothing was changed. Unmount it (umount {point}), and remove its line from /etc/fstab."
            )


def end_processes(uid: int, timeout: float = 5.0) -> None:
    """Kill the remaining processes of a user, like management commands: userdel refuses a user with processes."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + timeout
        for pid in _processes(uid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while _processes(uid) and time.monotonic() < deadline:
            time.sleep(0.1)


def _processes(uid: int) -> list[int]:
    """Return the processes of a user of this host. In a container, the same ID belongs to another user."""
    found, top = [], os.stat("/")
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                root = os.stat(f"/proc/{entry.name}/root")
                if os.path.samestat(root, top) and os.stat(entry.path).st_uid == uid:
                    found.append(int(entry.name))
    return found


def _is_rest(app: App) -> bool:
    """Return whether an interrupted removal has left nothing but the empty directory of the releases."""
    kept = map(os.path.basename, app.replaced_data())
    return _is_empty(app.releases) and not set(os.listdir(app.home)) - {"releases", *kept}


def _is_empty(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path) and not os.listdir(path)


def _is_kept_data(path: str) -> bool:
    """Return whether an earlier removal left this directory."""
    if not os.path.isdir(path):
        return False
    found = os.stat(path)
    return found.st_uid == 0 and stat.S_IMODE(found.st_mode) == 0o700
