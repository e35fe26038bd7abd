# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide which symbolic links nginx follows below an alias, so that a site serves only its own files.

An app can replace every name in a directory that it can write, including the directory of its media. So nginx trusts
only the part of an alias that only root can change, and checks the rest (``disable_symlinks MODE from=TRUSTED``).
"""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Iterable

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import AliasRecord, LinkPolicy

# nginx's modes by the value of the option `symlinks`.
MODES = {"refuse": "on", "same_owner": "if_not_owner", "follow": "off"}
# Created by role django_app: `current` and `data` are names in a directory that belongs to root.
APP = re.compile(rf"(({APPS}/[a-z0-9][a-z0-9_-]*)/(?:current|data))/")
REMEDY = (
    "An app can create such a link to read files of other users through nginx: if you did not create the link, find "
    "out what did. If the link is intended, use the real path as the alias, or replace the link with a directory and "
    "bind-mount its target there, or set 'symlinks: follow'."
)
LINKS = 40  # as many as the kernel follows


def default_policy(alias: str) -> LinkPolicy:
    """The ``mode`` of *alias* unless the operator chooses one, and its ``trusted`` part, empty for none.

    An app of Gatehouse has no reason for links. `same_owner` would allow its own links, even to its database, and a
    visitor's archive can contain such a link. Elsewhere the operator may deploy with links.
    """
    app = APP.match(alias)
    if app and (_only_root_changes(app[2]) or not os.path.lexists(app[2])):
        return {"mode": "refuse", "trusted": app[1]}
    return {"mode": "same_owner", "trusted": trusted(alias)}


def trusted(path: str) -> str:
    """The longest prefix of *path* that only root can redirect."""
    found = ""
    for match in re.finditer(r"/+[^/]+", path):
        prefix = path[: match.end()]
        if _resolve("/", prefix) is None:
            break
        found = prefix
    return found


def _resolve(directory: str, path: str, links: int = LINKS) -> str | None:
    """Resolve *path* from *directory*; returns None if a user other than root can change the result."""
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            directory = os.path.dirname(directory)
            continue
        if not _only_root_changes(directory):
            return None
        entry = os.path.join(directory, part)
        try:
            target = os.readlink(entry)
        except OSError:
            directory = entry
            continue
        followed = _resolve("/" if target.startswith("/") else directory, target, links - 1) if links else None
        if followed is None:
            return None
        directory = followed
    return directory


def _only_root_changes(directory: str) -> bool:
    """Whether only root can create, rename and remove names in *directory*."""
    try:
        found = os.stat(directory)
    except OSError:
        return False
    others = stat.S_IWOTH if found.st_gid == 0 else stat.S_IWOTH | stat.S_IWGRP
    return stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & others


def refused_link(path: str, mode: str, start: str) -> str | None:
    """The first symbolic link after the trusted part *start* of *path* that nginx does not follow, None without one."""
    if MODES[mode] == "off" or path == start:
        return None
    current = start if start and path.startswith(f"{start}/") else "/"
    for part in filter(None, path[len(current) :].split("/")):
        current = os.path.join(current, part)
        if os.path.islink(current) and (mode == "refuse" or not _has_one_owner(current)):
            return current
    return None


def _has_one_owner(link: str) -> bool:
    """Whether *link* and its target belong to one user; a broken link counts as safe."""
    try:
        return os.lstat(link).st_uid == os.stat(link).st_uid
    except OSError:
        return True


def check_links(locations: Iterable[AliasRecord]) -> list[str]:
    """Return warnings about links below *locations* that nginx will not follow.

    Raises ValueError for a link in an operator's alias: its files would no longer be served. An app of Gatehouse
    chooses its own file names, and they must not block other sites.
    """
    warnings = []
    for location in locations:
        alias, mode, start = location["alias"], location["mode"], location["trusted"]
        where = f"site '{location['site']}', location '{location['path']}'"
        link = refused_link(alias, mode, start)
        inside = [] if link else [entry for entry in _links(alias) if refused_link(entry, mode, start)]
        if link and not APP.match(alias):
            raise ValueError(f"{where}: nginx would not follow {described(link)}. {REMEDY} Nothing was changed.")
        if link or inside:
            more = f" and {len(inside) - 1} more in that directory" if len(inside) > 1 else ""
            warnings.append(f"{where}: nginx does not follow {described(link or inside[0])}{more}. {REMEDY}")
    return warnings


def readable_aliases(locations: Iterable[AliasRecord]) -> list[AliasRecord]:
    """Those of *locations* whose directory nginx can reach without a link that it does not follow."""
    return [one for one in locations if not refused_link(one["alias"], one["mode"], one["trusted"])]


def _links(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.path for entry in entries if entry.is_symlink())
    except OSError:
        return []


def described(link: str) -> str:
    """Describe *link*, its target and its owner. An app chooses the names, so they are quoted."""
    owner = os.lstat(link).st_uid
    return f"the symbolic link {link!r} to {os.readlink(link)!r}, which belongs to user {_user_name(owner)}"


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
