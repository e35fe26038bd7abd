# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what on a path keeps nginx out: nginx enters each directory, and reads the file or writes to the socket."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from typing import TypeAlias

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import commands
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host

LINKS = 40  # as many as the kernel follows
NEEDS = {"x": "cannot be entered by", "r": "cannot be read by", "w": "cannot be written to by"}


@dataclass(frozen=True)
class Link:
    """A symbolic link on the path that a user other than root can change."""

    path: str
    target: str

    @property
    def cause(self) -> str:
        """What is wrong, without a full stop."""
        return f"{self.path} is a link to {self.target}, and another user than root can change it"

    @property
    def remedy(self) -> str:
        """What to do. No chmod: the link may lead to another app's files."""
        return f"Replace the link {commands.named(self.path)} with the file or directory itself."


@dataclass(frozen=True)
class Hidden:
    """A step of the path that systemd hides from nginx."""

    path: str

    @property
    def cause(self) -> str:
        """What is wrong, without a full stop."""
        return f"systemd hides {self.path} from nginx: the unit nginx.service has ProtectHome, PrivateTmp or the like"

    @property
    def remedy(self) -> str:
        """What to do."""
        return "Move it below /srv or /var/www, which nginx sees. `systemctl cat nginx` shows what hides it."


@dataclass(frozen=True)
class Denied:
    """A step of the path whose mode denies nginx's *user* what it needs (r, w or x)."""

    path: str
    need: str
    entry: os.stat_result
    user: str
    group: str

    @property
    def cause(self) -> str:
        """What is wrong, without a full stop."""
        mode = self.entry.st_mode
        kind = "directory" if stat.S_ISDIR(mode) else "socket" if stat.S_ISSOCK(mode) else "file"
        shown = f"{stat.S_IMODE(mode):04o} {_owner(self.entry)}"
        return f"the {kind} {self.path} (mode {shown}) {NEEDS[self.need]} nginx's user {self.user}"

    @property
    def remedy(self) -> str:
        """What gives nginx's user what it needs, and no other user a socket that is for nginx alone."""
        who = mode_class(self.entry, self.user, self.group)
        is_foreign = stat.S_ISSOCK(self.entry.st_mode) and who == "o"
        mode = "g+rw" if is_foreign else f"{who}+{self.need}"
        if not commands.is_fixed(self.path):
            group = f"the group {self.group} and " if is_foreign else ""
            return (
                f"As its owner ({_owner(self.entry)}), not as root, give {commands.named(self.path)} {group}the mode "
                f"{mode}. Users other than root can replace it by a link to any file, whose mode root would change."
            )
        change = commands.command("chmod", mode, self.path) or f"Give {commands.named(self.path)} the mode {mode}."
        return change if not is_foreign else f"{commands.command('chgrp', self.group, self.path)}, then {change}"


Obstacle: TypeAlias = "Link | Hidden | Denied"


def find_obstacle(host: Host, path: str, need: str) -> Obstacle | None:
    """What keeps nginx from *path*, for which it needs *need* (r, w, x); None for nothing."""
    link = untrusted.link_on(path)
    if link:
        return Link(*link)
    steps = resolved_steps(path)
    for number, step in enumerate(steps):
        wanted = need if number == len(steps) - 1 else "x"
        if not os.path.lexists(step):
            return None  # an absent file is another cause
        if host.worker_may(wanted, step):
            continue
        if host.worker_may(wanted, step, sandboxed=False):
            return Hidden(step)
        return Denied(step, wanted, os.stat(step), *host.user)
    return None


def resolved_steps(path: str) -> list[str]:
    """The directories that the kernel enters on the way to *path*, and its real path; symlinks are followed."""
    todo, current, found, links = path.split("/"), "/", ["/"], 0
    while todo:
        part = todo.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            current = os.path.dirname(current)
            continue
        entry = os.path.join(current, part)
        if os.path.islink(entry) and links < LINKS:
            target, links = os.readlink(entry), links + 1
            todo = [*target.split("/"), *todo]
            current = "/" if target.startswith("/") else current
            continue
        current = entry
        found.append(current)
    return found


def _owner(entry: os.stat_result) -> str:
    try:
        user = pwd.getpwuid(entry.st_uid).pw_name
    except KeyError:
        user = str(entry.st_uid)
    try:
        return f"{user}:{grp.getgrgid(entry.st_gid).gr_name}"
    except KeyError:
        return f"{user}:{entry.st_gid}"


def mode_class(entry: os.stat_result, user: str, group: str) -> str:
    """The class of a mode (u, g or o) that applies to *user*: the first that fits, whatever the others allow."""
    try:
        known = pwd.getpwnam(user)
        groups = os.getgrouplist(user, grp.getgrnam(group).gr_gid)
    except KeyError:
        return "o"
    if known.pw_uid == entry.st_uid:
        return "u"
    return "g" if entry.st_gid in groups else "o"
