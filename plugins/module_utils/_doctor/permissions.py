# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who along a path keeps nginx out: it has to enter each directory, and to read the file or write to the socket."""

from __future__ import annotations

import grp
import os
import pwd
import stat

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host

LINKS = 40  # as many as the kernel follows
NEEDS = {"x": "cannot be entered by", "r": "cannot be read by", "w": "cannot be written to by"}


def steps(path: str) -> list[str]:
    """The directories that the kernel goes through to *path*, and what *path* is in the end; symlinks are followed."""
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


def blocked(host: Host, path: str, need: str) -> tuple[str, str] | None:
    """What keeps nginx from *path*, for which it has to have *need* (r, w, x), and the remedy; None for nothing."""
    link = untrusted.link_on(path)
    if link:
        # No chmod: what the link leads to may be another app's.
        return (
            f"{link[0]} is a link to {link[1]}, and others than root decide where it leads",
            f"put what is meant itself in the place of {link[0]}",
        )
    way = steps(path)
    for number, step in enumerate(way):
        wanted = need if number == len(way) - 1 else "x"
        if not os.path.lexists(step):
            return None  # that it is not there is another cause
        if host.worker_may(wanted, step):
            continue
        user, group = host.user
        if host.worker_may(wanted, step, sandboxed=False):
            return (
                f"systemd hides {step} from nginx: the unit nginx.service has ProtectHome, PrivateTmp or the like",
                f"put it below /srv or /var/www, which nginx sees; `systemctl cat nginx` shows what hides {step}",
            )
        entry = os.stat(step)
        kind = "directory" if stat.S_ISDIR(entry.st_mode) else "socket" if stat.S_ISSOCK(entry.st_mode) else "file"
        mode = f"{stat.S_IMODE(entry.st_mode):04o} {_owner(entry)}"
        return (
            f"the {kind} {step} (mode {mode}) {NEEDS[wanted]} nginx's user {user}",
            _remedy(step, entry, wanted, user, group),
        )
    return None


def _remedy(step: str, entry: os.stat_result, wanted: str, user: str, group: str) -> str:
    """A command that gives nginx's *user* what it needs, and no other user a socket that nginx alone is to reach."""
    who = _class(entry, user, group)
    if stat.S_ISSOCK(entry.st_mode) and who == "o":
        return f"`chgrp {group} {step} && chmod g+rw {step}`"
    return f"`chmod {who}+{wanted} {step}`"


def _owner(entry: os.stat_result) -> str:
    try:
        user = pwd.getpwuid(entry.st_uid).pw_name
    except KeyError:
        user = str(entry.st_uid)
    try:
        return f"{user}:{grp.getgrgid(entry.st_gid).gr_name}"
    except KeyError:
        return f"{user}:{entry.st_gid}"


def _class(entry: os.stat_result, user: str, group: str) -> str:
    """Which of the three classes of a mode *user* belongs to: the first that fits, whatever the others allow."""
    try:
        known = pwd.getpwnam(user)
        groups = os.getgrouplist(user, grp.getgrnam(group).gr_gid)
    except KeyError:
        return "o"
    if known.pw_uid == entry.st_uid:
        return "u"
    return "g" if entry.st_gid in groups else "o"
