# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host has of an app: its user, its releases, its units."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import BUILDER_SUFFIX
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools

# What a release's release.json holds, among other things.
RECORD_KEYS = ("units", "health", "migrations", "known_migrations", "check")


class App:
    """The places of one app on a host."""

    def __init__(self, name: str, root: str = "/srv") -> None:
        self.name = name
        self.home = os.path.join(root, name)
        self.data = os.path.join(self.home, "data")
        self.releases = os.path.join(self.home, "releases")
        self.failed = os.path.join(self.home, "failed")
        self.link = os.path.join(self.home, "current")
        # Virtual environments that releases share, by what they are made of.
        self.venvs = os.path.join(self.home, "venvs")
        # The user that builds, and its home: what build tools keep between two runs.
        self.builder = f"{name}{BUILDER_SUFFIX}"
        self.cache = os.path.join(self.home, "cache")

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
            return os.path.basename(os.readlink(self.link))
        except OSError:
            return ""

    def record(self, identifier: str) -> dict[str, Any]:
        """What a complete release says of itself; raises ReleaseError where that cannot be read."""
        path = os.path.join(self.release(identifier), "release.json")
        try:
            with open(path, encoding="utf-8") as file:
                record: dict[str, Any] = json.load(file)
            return {key: record[key] for key in RECORD_KEYS}
        except (OSError, ValueError, KeyError) as error:
            raise ReleaseError(f"'{path}' is damaged ({error}): remove that release.") from error

    def was_served(self, identifier: str) -> bool:
        """Whether the release was ever put into service."""
        return os.path.exists(os.path.join(self.release(identifier), ".activated"))

    def rollback_targets(self) -> list[str]:
        """The releases that one can return to, the one served last first."""
        found = [name for name in _listed(self.releases) if self.is_complete(name) and self.was_served(name)]
        return [name for name in sorted(found, key=self.last_used, reverse=True) if name != self.current()]

    def migrations_between(self, older: str, newer: str) -> list[str]:
        """The migrations that *newer* knows and *older* does not."""
        known = set(self.record(older)["known_migrations"])
        return [name for name in self.record(newer)["known_migrations"] if name not in known]

    def failures(self) -> list[str]:
        """The releases that did not work and are kept for a look."""
        return _listed(self.failed)

    def state_of_service(self, before: str) -> str:
        """What an error says in the end, where *before* was served when the run began."""
        served = self.current() or "no release"
        return f"State of the host: {served} is served{', as before' if served == (before or 'no release') else ''}."

    def prunable_releases(self, current: str, keep: int) -> list[str]:
        """Releases to remove once *current* is served: unfinished ones, and the longest unused beyond *keep*."""
        found = _listed(self.releases)
        complete = sorted((name for name in found if self.is_complete(name)), key=self.last_used, reverse=True)
        # The one that is served now is the way back from the one that comes.
        kept = dict.fromkeys(name for name in (current, self.current(), *complete) if name)
        return sorted(set(found) - set(list(kept)[: max(keep, 2)]))

    def last_used(self, identifier: str) -> float:
        """When the release was put into service last, or else built."""
        for mark in (".activated", ".complete"):
            path = os.path.join(self.release(identifier), mark)
            if os.path.exists(path):
                return os.stat(path).st_mtime
        return 0.0


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def find_python(tools: Tools, python: str) -> tuple[str, str]:
    """Path and version of the interpreter that the app asks for."""
    path = shutil.which(python)
    if path is None:
        raise ReleaseError(
            f"python: the host has no '{python}'. Install it, or remove the option to use the system's python3."
        )
    code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    return path, tools.run([path, "-I", "-c", code]).strip()


def active_units(tools: Tools, app: App) -> list[str]:
    """The app's web units that run, or are about to. One that stops needs nobody's help."""
    argv = ["systemctl", "list-units", "--plain", "--no-legend", "--full", f"{app.name}-web@*"]
    found = [line.split()[:3] for line in tools.run(argv).splitlines() if line.strip()]
    return [unit for unit, _load, active in found if active in ("active", "activating", "reloading")]
