# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manage the users of an app: one runs it, one builds its releases without access to its data.

A third one works on copies of its data, as in the drill of a backup. It is made when it is needed first.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import (
    BUILDER_SUFFIX,
    COPY_SUFFIX,
    INSTANCE_PREFIX,
    SLUG,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.user_number import choose

# SYS_UID_MIN and SYS_UID_MAX of useradd(8).
SYSTEM_IDS = range(100, 1000)
NO_LOGIN = "/usr/sbin/nologin"


def check(app: App, *, is_needed: bool = True) -> None:
    """Raise ReleaseError if the name is not valid, or if the host has a user of that name for another purpose.

    If the app *is_needed*, so that its users may have to be created, also refuse a group of that name.
    """
    is_reserved = app.name.endswith((BUILDER_SUFFIX, COPY_SUFFIX)) or app.name.startswith(INSTANCE_PREFIX)
    if not SLUG.fullmatch(app.name) or is_reserved:
        raise ReleaseError(f"app: '{app.name}' is not a valid app name: see option 'name' of role django_app.")
    for name, home in _homes(app).items():
        user = _user(name)
        if user and user.pw_dir != home:
            raise ReleaseError(
                f"name: the host already has a user '{name}' (home {user.pw_dir}) that does not "
                "belong to this app. Choose another name."
            )
        if is_needed and not user and _group(name) is not None:
            raise ReleaseError(
                f"name: the host already has a group '{name}' without a user of that name. Its members would get "
                f"access to the app. Choose another name, or remove the group: groupdel {name}"
            )


def outdated(app: App) -> list[str]:
    """Return the users that are missing or have wrong properties."""
    return [name for name, home in _expected_homes(app).items() if not _is_up_to_date(name, home)]


def number(app: App) -> int | None:
    """Return the ID of the app's user, or the one that it had before the app was removed without its data."""
    user, kept = _user(app.name), owner_of_kept_data(app)[0]
    if user:
        return user.pw_uid
    return kept if kept and not _is_used(kept) else None


def taken() -> dict[int, str]:
    """Return the IDs that users or groups of the host have, in the range of system users, and their names."""
    known = {group.gr_gid: group.gr_name for group in grp.getgrall()}
    known |= {user.pw_uid: user.pw_name for user in pwd.getpwall()}
    return {one: known[one] for one in sorted(known) if one in SYSTEM_IDS}


def ensure(tools: Tools, app: App, number: int | None = None) -> None:
    """Create the missing users, each with a group of its own, and correct the others.

    A new user of the app and its group get *number*, for which the caller has checked that it is free.
    """
    # Reuse the user ID of the files of an earlier installation if it is free: backups contain it.
    numbers = {app.name: number or owner_of_kept_data(app)[0] or choose(app.name, taken())}
    for name in outdated(app):
        if _user(name):
            if _group(name) is None:
                tools.run(["groupadd", "--system", name])
            tools.run(["usermod", "--shell", NO_LOGIN, "--gid", name, name])
            continue
        wanted = numbers.get(name)
        # useradd gives the group of the user the same number if it is free.
        reused_id = ["--uid", str(wanted)] if wanted and not _is_used(wanted) else []
        _add(tools, app, name, reused_id)


def ensure_copy_user(tools: Tools, app: App) -> None:
    """Create the user that works on copies of the data, unless it exists."""
    check(app)
    if _user(app.copy_user) is None:
        _add(tools, app, app.copy_user)


def remove(tools: Tools, app: App) -> None:
    """Remove the users and their groups."""
    for name in present(app):
        tools.run(["userdel", name])
        # userdel leaves the group where login.defs has USERGROUPS_ENAB no.
        if _group(name) is not None:
            tools.run(["groupdel", name])


def present(app: App) -> list[str]:
    """Return the users of the app that exist on the host."""
    return [name for name, home in _homes(app).items() if (user := _user(name)) and user.pw_dir == home]


def ids_of(name: str) -> tuple[int, int]:
    """Return the IDs of a user and of its primary group."""
    user = pwd.getpwnam(name)
    return user.pw_uid, user.pw_gid


def owner_of_kept_data(app: App) -> tuple[int | None, int | None]:
    """Return the IDs of the user and group that owned the data of an app that was removed without its data."""
    try:
        data = os.lstat(app.data)
        # Look at `media` first: every app has it. Files of the app serve as well.
        names = sorted(os.listdir(app.data), key=lambda name: name != "media")
    except OSError:
        return None, None
    # The removal gave only the directory itself to root, not its content.
    if data.st_uid != 0:
        return None, None
    users = (os.lstat(os.path.join(app.data, name)).st_uid for name in names)
    return next((user for user in users if user), None), data.st_gid or None


def _expected_homes(app: App) -> dict[str, str]:
    return {app.name: app.data, app.builder: app.cache}


def _homes(app: App) -> dict[str, str]:
    return {**_expected_homes(app), app.copy_user: app.copies}


def _add(tools: Tools, app: App, name: str, more: Sequence[str] = ()) -> None:
    tools.run(
        [
            *["useradd", "--system", "--user-group", "--no-create-home", "--shell", NO_LOGIN, *more],
            *["--home-dir", _homes(app)[name], "--comment", f"Django app {app.name}", name],
        ]
    )


def _is_up_to_date(name: str, home: str) -> bool:
    user = _user(name)
    return user is not None and (user.pw_dir, user.pw_shell, user.pw_gid) == (home, NO_LOGIN, _group(name))


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _group(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _is_used(number: int) -> bool:
    for known in (pwd.getpwuid, grp.getgrgid):
        try:
            known(number)
        except KeyError:
            continue
        return True
    return False
