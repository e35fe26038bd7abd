# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of an app: one that runs it, and one that builds its releases and has no access to its data."""

from __future__ import annotations

import grp
import os
import pwd

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import BUILDER_SUFFIX, SLUG
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools

NO_LOGIN = "/usr/sbin/nologin"


def check(app: App, *, is_needed: bool = True) -> None:
    """Raise ReleaseError for a name that is no app's, and for a user of the host that is not this app's.

    Where the app *is_needed*, so that its users may have to be made, also for a group that is not this app's.
    """
    if not SLUG.fullmatch(app.name) or app.name.endswith(BUILDER_SUFFIX):
        raise ReleaseError(f"app: '{app.name}' is not a valid app name: see option 'name' of role django_app.")
    for name, home in _expected_homes(app).items():
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
    """The users that are missing or are not as they are made here."""
    return [name for name, home in _expected_homes(app).items() if not _is_up_to_date(name, home)]


def ensure(tools: Tools, app: App) -> None:
    """Make the users that are missing, each with a group of its own, and mend the others."""
    # The number that the files of an earlier installation have, if it is still free: backups know it.
    numbers = {app.name: owner_of_kept_data(app)[0]}
    for name in outdated(app):
        if _user(name):
            if _group(name) is None:
                tools.run(["groupadd", "--system", name])
            tools.run(["usermod", "--shell", NO_LOGIN, "--gid", name, name])
            continue
        number = numbers.get(name)
        kept = ["--uid", str(number)] if number and not _is_used(number) else []
        tools.run(
            [
                *["useradd", "--system", "--user-group", "--no-create-home", "--shell", NO_LOGIN, *kept],
                *["--home-dir", _expected_homes(app)[name], "--comment", f"Django app {app.name}", name],
            ]
        )


def remove(tools: Tools, app: App) -> None:
    """Remove the users and their groups."""
    for name in present(app):
        tools.run(["userdel", name])
        # userdel leaves the group where login.defs has USERGROUPS_ENAB no.
        if _group(name) is not None:
            tools.run(["groupdel", name])


def present(app: App) -> list[str]:
    """The users of the app that the host has."""
    return [name for name, home in _expected_homes(app).items() if (user := _user(name)) and user.pw_dir == home]


def ids_of(name: str) -> tuple[int, int]:
    """The numbers of a user and of its group."""
    user = pwd.getpwnam(name)
    return user.pw_uid, user.pw_gid


def owner_of_kept_data(app: App) -> tuple[int | None, int | None]:
    """The numbers of user and group that own the data of an app that was removed without it."""
    try:
        data = os.lstat(app.data)
        # `media` first: it is made for each app. What the app made itself tells as much.
        names = sorted(os.listdir(app.data), key=lambda name: name != "media")
    except OSError:
        return None, None
    # Its removal gave the directory to root, and nothing in it.
    if data.st_uid != 0:
        return None, None
    users = (os.lstat(os.path.join(app.data, name)).st_uid for name in names)
    return next((user for user in users if user), None), data.st_gid or None


def _expected_homes(app: App) -> dict[str, str]:
    return {app.name: app.data, app.builder: app.cache}


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
