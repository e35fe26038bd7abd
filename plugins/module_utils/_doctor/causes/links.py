# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private. 403 and 404 because a symbolic link is on the way to a file and nginx follows none (disable_symlinks)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import log
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.files import place_of
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.sites import passed_to
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import decoded
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

# ngx_open_cached_file() opens each component with O_NOFOLLOW: ELOOP for the last one, ENOTDIR for one before.
REFUSED = re.compile(r'openat\(\) "(.+)" failed \((?:20|40): ')


def explain(host: Host, request: Request, location: Directive, since: float) -> Finding | None:
    """The link that keeps nginx from the file, None where there is none."""
    for path, below, where in _opened(host, request, location, since):
        found = untrusted.link_on(path, below)
        if found:
            link, target = found
            cause = f"nginx does not send {path}: {link} is a symbolic link to {target}, and nginx follows none there"
            return Finding(
                request.site,
                f"{cause} ({where}).",
                "If the site is meant to publish that, put the file or directory itself in place of the link, or mount "
                f"the directory there ('{target} {link} none bind 0 0' in /etc/fstab). Otherwise remove the link.",
            )
    return None


def _opened(host: Host, request: Request, location: Directive, since: float) -> Iterator[tuple[str, str, str]]:
    """What nginx has opened, the part of it in which links count, and what tells so."""
    given = location.inherited("disable_symlinks")
    args, where = (given.args, given.where) if given else ((), "")
    start = next((word.removeprefix("from=") for word in args if word.startswith("from=")), "/" if args else "")
    # With if_not_owner, it depends on what the link leads to: the log knows.
    if args[:1] == ("on",) and passed_to(location) is None:
        place = place_of(location, decoded(request.path))
        below = place.directory if "$" in start else start
        if "$" not in place.path and place.path.startswith(below):
            yield place.path, below, f"disable_symlinks {' '.join(args)}, {where}"
    # An application may have named the file (X-Accel-Redirect), or a regular expression.
    for entry in log.recent(location, host.nginx, since):
        match = REFUSED.match(entry.text)
        if match and entry.host in (request.name, request.host):
            below = start if match[1].startswith(f"{start.rstrip('/')}/") else ""
            yield match[1], below, "disable_symlinks, as its error log says"
