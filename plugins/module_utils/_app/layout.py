# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the directories, releases and units of an app on a host."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import BUILDER_SUFFIX, COPY_SUFFIX, Record
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS

# In the directory of a release: what later runs read of it.
RECORD = "release.json"
# Data that a restore or a rollback replaced are kept in directories whose names begin like this, with the time.
BEFORE_RESTORE, BEFORE_ROLLBACK = "before-restore-", "before-rollback-"


def read_release(directory: str) -> dict[str, Any]:
    """Return the record of the release in *directory*; raise OSError or ValueError if it cannot be read."""
    with open(os.path.join(directory, RECORD), encoding="utf-8") as file:
        found = json.load(file)
    if not isinstance(found, dict):
        raise ValueError(f"it has {type(found).__name__} instead of a dictionary")
    return found


class App:
    """The paths of one app on a host."""

    def __init__(self, name: str, root: str = APPS) -> None:
        self.name = name
        self.home = os.path.join(root, name)
        self.data = os.path.join(self.home, "data")
        self.releases = os.path.join(self.home, "releases")
        self.failed = os.path.join(self.home, "failed")
        self.link = os.path.join(self.home, "current")
        # Exists where the processes and timers run that have `run_on: one`.
        self.runs_once = os.path.join(self.home, "runs_once")
        # Virtual environments that releases share, named by a digest of their inputs.
        self.venvs = os.path.join(self.home, "venvs")
        # The building user, and its home with the caches of the build tools.
        self.builder = f"{name}{BUILDER_SUFFIX}"
        self.cache = os.path.join(self.home, "cache")
        # The user that works on copies of the data and reaches no live ones, and where copies of files are.
        self.copy_user = f"{name}{COPY_SUFFIX}"
        self.copies = os.path.join(self.home, "copies")

        # Of the databases, before migrations.
        self.snapshots = os.path.join(self.home, "snapshots")

    def replaced_data(self) -> list[str]:
        """Return the directories with data that a restore or a rollback has replaced."""
        names = sorted(_listed(self.home))
        return [os.path.join(self.home, name) for name in names if name.startswith((BEFORE_RESTORE, BEFORE_ROLLBACK))]

    def release(self, identifier: str) -> str:
        """Return the directory of a release."""
        return os.path.join(self.releases, identifier)

    def unit(self, identifier: str, kind: str) -> str:
        """Return the name of a release's unit of *kind*."""
        return f"{self.name}-web@{identifier}.{kind}"

    def is_complete(self, identifier: str) -> bool:
        """Return whether the build of the release was completed."""
        return bool(identifier) and os.path.exists(os.path.join(self.release(identifier), ".complete"))

    def current(self) -> str:
        """Return the release that is served, or an empty text."""
        try:
            return os.path.basename(os.readlink(self.link))
        except OSError:
            return ""

    def record(self, identifier: str) -> Record:
        """Read the record of a complete release; raise ReleaseError if it is damaged."""
        try:
            record = read_release(self.release(identifier))
            # A release of an earlier version of the collection does not say where the host comes from.
            record["health"].setdefault("host_from", "")
            return {
                "units": record["units"],
                "health": record["health"],
                "migrations": record["migrations"],
                "known_migrations": record["known_migrations"],
                "check": record["check"],
                # A release of an earlier version of the collection lacks it.
                "static_url": record.get("static_url", ""),
                # Releases of earlier versions have no such key.
                "dependencies": record.get("dependencies", ""),
            }
        except (OSError, ValueError, KeyError, AttributeError) as error:
            remedy = "remove that release"
            if identifier == self.current():
                remedy = "it is served, so deploy another revision, then remove that release"
            path = os.path.join(self.release(identifier), RECORD)
            raise ReleaseError(f"'{path}' is damaged ({error}): {remedy}.") from error

    def revision(self, identifier: str) -> str:
        """Return the revision of the source of a release, an empty text if it is not known."""
        return self._recorded(identifier, "revision")

    def configuration(self, identifier: str) -> str:
        """Return the digest of the configuration of a release, without its Python; an empty text if not known."""
        # Releases of earlier versions have no such key.
        return self._recorded(identifier, "configuration")

    def _recorded(self, identifier: str, key: str) -> str:
        try:
            return str(read_release(self.release(identifier)).get(key, ""))
        except (OSError, ValueError):
            return ""

    def was_served(self, identifier: str) -> bool:
        """Return whether the release was ever put into service."""
        return os.path.exists(os.path.join(self.release(identifier), ".activated"))

    def all_releases(self) -> list[str]:
        """Return all releases, also incomplete ones."""
        return _listed(self.releases)

    def last_served(self, identifier: str) -> float:
        """Return when the release was last put into service, 0 for never."""
        try:
            return os.stat(os.path.join(self.release(identifier), ".activated")).st_mtime
        except FileNotFoundError:
            return 0.0

    def rollback_targets(self) -> list[str]:
        """Return the releases that a rollback can return to, the one served last first."""
        found = [name for name in _listed(self.releases) if self.is_complete(name) and self.was_served(name)]
        return [name for name in sorted(found, key=self.last_used, reverse=True) if name != self.current()]

    def migrations_between(self, older: str, newer: str) -> list[str]:
        """Return the migrations of *newer* that *older* predates."""
        known = set(self.record(older)["known_migrations"])
        return [name for name in self.record(newer)["known_migrations"] if name not in known]

    def failures(self) -> list[str]:
        """Return the failed candidates that are kept for inspection."""
        return _listed(self.failed)

    def state_of_service(self, before: str) -> str:
        """Return the last line of an error; *before* was served when the run started."""
        served = self.current() or "no release"
        return f"State of the host: {served} is served{', as before' if served == (before or 'no release') else ''}."

    def prunable_releases(self, current: str, keep: int) -> list[str]:
        """Return the releases to remove once *current* is served: incomplete ones, and the oldest beyond *keep*."""
        found = _listed(self.releases)
        complete = sorted((name for name in found if self.is_complete(name)), key=self.last_used, reverse=True)
        # The release that is served now is the rollback target of the next one.
        kept = dict.fromkeys(name for name in (current, self.current(), *complete) if name)
        return sorted(set(found) - set(list(kept)[: max(keep, 2)]))

    def last_used(self, identifier: str) -> float:
        """Return when the release was last put into service, or otherwise when it was built."""
        mark = self.mark(identifier)
        return os.stat(mark).st_mtime if mark else 0.0

    def mark(self, identifier: str) -> str:
        """Return the path of the file whose time is that of last_used(), empty for an incomplete release."""
        marks = (os.path.join(self.release(identifier), name) for name in (".activated", ".complete"))
        return next((mark for mark in marks if os.path.exists(mark)), "")


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def active_units(tools: Tools, app: App) -> list[str]:
    """Return the app's web units that are running or starting, without those that are stopping."""
    argv = ["systemctl", "list-units", "--plain", "--no-legend", "--full", f"{app.name}-web@*"]
    found = [line.split()[:3] for line in tools.run(argv).splitlines() if line.strip()]
    return [unit for unit, _load, active in found if active in ("active", "activating", "reloading")]
