# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A symbolic link on the way to a file, where nginx follows none (disable_symlinks)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

# ngx_open_cached_file() opens each component with O_NOFOLLOW: ELOOP for the last one, ENOTDIR for one before.
REFUSED = re.compile(r'openat\(\) "(.+)" failed \((?:20|40): ')


def explain(visit: Visit) -> Finding | None:
    """The first link that root does not follow on the way to what nginx opened."""
    if visit.status not in (403, 404) or (visit.pass_directive and not visit.is_target):
        return None
    for path, below, where in _opened(visit):
        found = untrusted.link_on(path, below)
        if found:
            link, target = found
            cause = f"nginx does not send {path}: {link} is a symbolic link to {target}, and nginx follows none there"
            return Finding(
                visit.request.site,
                f"{cause} ({where}).",
                # The app chooses the target: no line for /etc/fstab names it.
                "If the site is meant to publish that, replace the link with the file or directory itself, or with a "
                "directory that its target is bind-mounted on (mount(8)). Otherwise remove the link.",
            )
    return None


def _opened(visit: Visit) -> Iterator[tuple[str, str, str]]:
    """Each path that nginx opened, the prefix of it in which links are followed, and the source of this knowledge."""
    given = visit.location.inherited("disable_symlinks")
    args, where = (given.args, given.where) if given else ((), "")
    start = next((word.removeprefix("from=") for word in args if word.startswith("from=")), "/" if args else "")
    # if_not_owner depends on the target of the link: then the log says what nginx did.
    if args[:1] == ("on",) and visit.place:
        below = visit.place.directory if "$" in start else start
        if visit.place.path.startswith(below):
            yield visit.place.path, below, f"disable_symlinks {' '.join(args)}, {where}"
    # An application may have named the file (X-Accel-Redirect), or a regular expression.
    for entry in visit.log_lines:
        match = REFUSED.match(entry.text)
        if match:
            below = start if match[1].startswith(f"{start.rstrip('/')}/") else ""
            yield match[1], below, "disable_symlinks, as its error log says"
