# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the services on other hosts that no release of an app uses any more, so that its access there can end.

A rollback returns to an older release, which needs its own services: so the access lasts as long as such a release. The
host remembers where the app has access in one empty file for each service, which the role removes when it has ended.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.service_access import VARIABLES, elsewhere
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import SLUG
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import ACCESS_DIRECTORY

HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
DATABASE = "database"


@dataclass(frozen=True, order=True)
class Access:
    """The access of the app to a service."""

    host: str  # as the inventory calls it
    kind: str  # database, cache or broker

    @property
    def mark(self) -> str:
        """The name of the file that remembers it. A database has the name of its host alone."""
        return self.host if self.kind == DATABASE else f"{self.kind}@{self.host}"

    @classmethod
    def of_mark(cls, name: str) -> Access:
        """Return the access that the file *name* remembers."""
        kind, _separator, host = name.rpartition("@")
        return cls(host, kind or DATABASE)

    @property
    def is_known(self) -> bool:
        """Whether it is one that Gatehouse gives."""
        return self.kind in VARIABLES and bool(HOST.fullmatch(self.host))


def remember(app: App, directory: str = ACCESS_DIRECTORY) -> None:
    """Write down the services of all releases. Call it before releases are removed."""
    for access in _used(app, app.all_releases()):
        mark = Path(directory, app.name, access.mark)
        if not mark.exists():
            files.make_directory(mark.parent, 0o755)
            files.write(mark, "")


def unused(
    app: App, wanted: Mapping[str, str] | None = None, removed: Collection[str] = (), directory: str = ACCESS_DIRECTORY
) -> list[dict[str, str]]:
    """Return the `host` and the `kind` of the services that no release uses, apart from the *removed* ones.

    *wanted* has the hosts of the services now, by kind, which may be those of no release yet.
    """
    releases = app.all_releases()
    known = {*_marks(app, directory), *_used(app, releases)}
    kept = {Access(host, kind) for kind, host in (wanted or {}).items()}
    found = sorted(known - _used(app, set(releases) - set(removed)) - kept)
    return [{"host": one.host, "kind": one.kind, "mark": one.mark} for one in found]


def remembered(directory: str = ACCESS_DIRECTORY) -> list[str]:
    """Return the names of the apps that have, or may have, access to services on other hosts."""
    if not os.path.isdir(directory):
        return []
    return sorted(name for name in os.listdir(directory) if SLUG.fullmatch(name) and _marks(App(name), directory))


def _used(app: App, releases: Collection[str]) -> set[Access]:
    found = [one for name in releases for one in elsewhere(systemd.environment(f"{app.release(name)}/env"))]
    return {access for one in found if (access := Access(one["host"], one["kind"])).is_known}


def _marks(app: App, directory: str) -> list[Access]:
    place = os.path.join(directory, app.name)
    names = os.listdir(place) if os.path.isdir(place) else []
    return [access for name in names if (access := Access.of_mark(name)).is_known]
