# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manage the directories of an app with their owners and modes."""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree


@dataclass(frozen=True)
class Directory:
    """A directory: its parts below the parent of the app's home, its user and group by name, its mode."""

    parts: tuple[str, ...]
    user: str = "root"
    group: str = "root"
    mode: int = 0o755

    @property
    def owner(self) -> tuple[int, int]:
        """Return the IDs of user and group."""
        user = 0 if self.user == "root" else accounts.ids_of(self.user)[0]
        return user, grp.getgrnam(self.group).gr_gid


def expected(app: App, media_group: str) -> list[Directory]:
    """Return the directories, parents first."""
    return [
        Directory((app.name,)),
        Directory((app.name, "releases")),
        # The environments in it are readable for all, but only the app can enter it: they can contain private code.
        Directory((app.name, "venvs"), "root", app.name, 0o750),
        Directory((app.name, "cache"), app.builder, app.builder, 0o700),
        Directory((app.name, "data"), app.name, app.name, 0o711),
        # New files inherit the group of the directory, so that nginx can read them.
        Directory((app.name, "data", "media"), app.name, media_group, 0o2750),
    ]


def check(app: App, media_group: str) -> None:
    """Raise ReleaseError for an unknown group, and UntrustedEntry for a link in place of a directory."""
    try:
        grp.getgrnam(media_group)
    except KeyError:
        raise ReleaseError(
            f"media_group: the host has no group '{media_group}'. Name the group of its web server, like 'www-data'."
        ) from None
    for directory in expected(app, media_group):
        _mode(app, directory.parts)


def outdated(app: App, media_group: str) -> list[str]:
    """Return the paths of directories that are missing, or have another owner or mode."""
    return [path for path, _directory in _outdated(app, media_group)]


def ensure(app: App, media_group: str) -> None:
    """Create the missing directories and correct the others, and take over data of an earlier installation."""
    _renumber(app)
    for path, directory in _outdated(app, media_group):
        *above, name = directory.parts
        with tree.opened(_root(app), *above) as parent:
            tree.make_directory(parent, name, path, directory.owner, directory.mode)


def _renumber(app: App) -> None:
    """Give the data of an earlier installation to the new IDs of the app.

    The former IDs are read from the directory and from its media. These two change last, so that an interrupted run can
    be repeated.
    """
    (former_user, former_group), (user, group) = accounts.owner_of_kept_data(app), accounts.ids_of(app.name)
    users = {former_user: user} if former_user not in (None, user) else {}
    groups = {former_group: group} if former_group not in (None, group) else {}
    if users or groups:
        tree.change_owner(app.data, users, groups, last="media")


def _outdated(app: App, media_group: str) -> Iterator[tuple[str, Directory]]:
    present = accounts.present(app)
    for directory in expected(app, media_group):
        found = _mode(app, directory.parts)
        known = directory.user == "root" or directory.user in present
        if found is None or not known or found != (*directory.owner, directory.mode):
            yield os.path.join(_root(app), *directory.parts), directory


def _mode(app: App, parts: tuple[str, ...]) -> tuple[int, int, int] | None:
    """Return user, group and mode of a directory, None if it is missing; raise UntrustedEntry for a link."""
    try:
        with tree.opened(_root(app), *parts) as descriptor:
            found = os.fstat(descriptor)
    except FileNotFoundError:
        return None
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


def _root(app: App) -> str:
    return os.path.dirname(app.home)
