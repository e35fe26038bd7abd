# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the databases on other hosts that no release of an app uses any more, so that its access there can end.

A rollback returns to an older release, which needs its own database: so the access lasts as long as such a release. The
host remembers where the app has access in one empty file for each host, which the role removes when it has ended.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.service_access import elsewhere
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import ACCESS_DIRECTORY

HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")


def remember(app: App, directory: str = ACCESS_DIRECTORY) -> None:
    """Write down the hosts that have a database of a release. Call it before releases are removed."""
    for host in _used(app, app.all_releases()):
        mark = Path(directory, app.name, host)
        if not mark.exists():
            files.make_directory(mark.parent, 0o755)
            files.write(mark, "")


def unused(app: App, wanted: str = "", removed: Collection[str] = (), directory: str = ACCESS_DIRECTORY) -> list[str]:
    """Return the hosts, as the inventory calls them, that no release uses, apart from the *removed* ones.

    *wanted* is the host of the database now, which may be that of no release yet.
    """
    releases = app.all_releases()
    known = {*_marks(app, directory), *_used(app, releases)}
    return sorted(known - _used(app, set(releases) - set(removed)) - {wanted})


def _used(app: App, releases: Collection[str]) -> set[str]:
    found = [one for name in releases for one in elsewhere(systemd.environment(f"{app.release(name)}/env"))]
    return {one["host"] for one in found if one["kind"] == "database" and HOST.fullmatch(one["host"])}


def _marks(app: App, directory: str) -> list[str]:
    place = os.path.join(directory, app.name)
    return [name for name in os.listdir(place) if HOST.fullmatch(name)] if os.path.isdir(place) else []
