# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host has of an app: its user, its releases, its units."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app_run import ReleaseError, Tools


class App:
    """The places of one app on a host."""

    def __init__(self, name: str, root: str = "/srv") -> None:
        self.name = name
        self.home = os.path.join(root, name)
        self.data = os.path.join(self.home, "data")
        self.releases = os.path.join(self.home, "releases")

    def release(self, identifier: str) -> str:
        """The directory of a release."""
        return os.path.join(self.releases, identifier)

    def unit(self, identifier: str, kind: str) -> str:
        """The name of a release's unit of *kind*."""
        return f"{self.name}-web@{identifier}.{kind}"

    def is_complete(self, identifier: str) -> bool:
        """Whether the release was built to its end."""
        return bool(identifier) and os.path.exists(os.path.join(self.release(identifier), ".complete"))

    def current(self) -> str:
        """The release that is served, or nothing."""
        try:
            return os.path.basename(os.readlink(os.path.join(self.home, "current")))
        except OSError:
            return ""

    def superfluous(self, current: str, keep: int) -> list[str]:
        """Releases to remove once *current* is served: unfinished ones, and the longest unused beyond *keep*."""
        try:
            found = os.listdir(self.releases)
        except FileNotFoundError:
            return []
        complete = sorted((name for name in found if self.is_complete(name)), key=self._last_used, reverse=True)
        # The one that is served now is the way back from the one that comes.
        kept = dict.fromkeys(name for name in (current, self.current(), *complete) if name)
        return sorted(set(found) - set(list(kept)[: max(keep, 2)]))

    def _last_used(self, identifier: str) -> float:
        for mark in (".activated", ".complete"):
            path = os.path.join(self.release(identifier), mark)
            if os.path.exists(path):
                return os.stat(path).st_mtime
        return 0.0


def check_user(app: App) -> None:
    """Never take over a user of somebody else's."""
    try:
        home = pwd.getpwnam(app.name).pw_dir
    except KeyError:
        return
    if home != app.data:
        raise ReleaseError(
            f"name: the host already has a user '{app.name}' (home {home}) that is not this app's. Choose another name."
        )


def find_python(tools: Tools, python: str) -> tuple[str, str]:
    """Path and version of the interpreter that the app asks for."""
    path = shutil.which(python)
    if path is None:
        raise ReleaseError(
            f"python: the host has no '{python}'. Install it, or leave the option out to use the system's python3."
        )
    code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    return path, tools.run([path, "-c", code]).strip()


def active_units(tools: Tools, app: App) -> list[str]:
    """The app's web units that run, or are about to. One that stops needs nobody's help."""
    argv = ["systemctl", "list-units", "--plain", "--no-legend", "--full", f"{app.name}-web@*"]
    found = [line.split()[:3] for line in tools.run(argv).splitlines() if line.strip()]
    return [unit for unit, _load, active in found if active in ("active", "activating", "reloading")]


def state(tools: Tools, app: App, identifier: str, keep: int) -> dict[str, Any]:
    """What the role has to know of the host before it acts, and a playbook may show."""
    units = active_units(tools, app)
    own = [app.unit(identifier, "socket"), app.unit(identifier, "service")]
    return {
        "id": identifier,
        "path": app.release(identifier),
        "complete": app.is_complete(identifier),
        "current": app.current(),
        "running": bool(identifier) and is_up(tools, [*own, f"{app.name}-web.service"]),
        "stray_units": [unit for unit in units if unit not in own],
        "superfluous": app.superfluous(identifier or app.current(), keep),
    }


def is_up(tools: Tools, units: Sequence[str]) -> bool:
    """Whether all of the units run, and the last of them is enabled for the next boot."""
    return (
        tools.attempt(["systemctl", "is-active", *units])[1].split() == ["active"] * len(units)
        and tools.attempt(["systemctl", "is-enabled", units[-1]])[0] == 0
    )
