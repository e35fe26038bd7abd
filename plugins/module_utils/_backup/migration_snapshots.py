# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snapshots of an app's databases that were made before migrations: list them, and keep those that are of use.

Each is a directory that only root can enter, with dumps and a manifest. It is complete once the manifest exists.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import SnapshotManifest, Writes
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree

MANIFEST = "manifest.json"
NAME = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True)
class Snapshot:
    """A complete snapshot; its name is the UTC time at which it was begun."""

    path: Path
    manifest: SnapshotManifest

    @property
    def id(self) -> str:
        """Its name."""
        return self.path.name

    @property
    def before(self) -> str:
        """The release that was served when it was made."""
        return str(self.manifest["before"])

    @property
    def moment(self) -> str:
        """The time of the snapshot for people."""
        return f"{self.manifest['began'].replace('T', ' ').rstrip('Z')} UTC"

    @property
    def aliases(self) -> list[str]:
        """The databases in it, by the settings' names."""
        return [str(one["alias"]) for one in self.manifest["databases"]]

    def note(self, *, after: dict[str, Writes] | None = None, restored: str = "") -> None:
        """Add to the manifest the counters *after* the migrations, or when a rollback has *restored* the databases."""
        if after is not None:
            self.manifest["after"] = after
        if restored:
            self.manifest["restored"] = restored
        write(self.path, self.manifest)


def write(path: Path, manifest: SnapshotManifest) -> None:
    """Write the *manifest* of the snapshot *path*, which completes it."""
    files.replace(path / MANIFEST, json.dumps(manifest, indent=1) + "\n", 0o600)


def found(app: App) -> list[Snapshot]:
    """The complete snapshots of *app*, the oldest first."""
    every = []
    for name in sorted(_names(app)):
        text = files.read(Path(app.snapshots, name, MANIFEST))
        if text is not None and NAME.fullmatch(name):
            every.append(Snapshot(Path(app.snapshots, name), json.loads(text)))
    return every


def newest(app: App, release: str) -> Snapshot | None:
    """The newest snapshot of the databases as the *release* had them."""
    return next((one for one in reversed(found(app)) if one.before == release), None)


def prune(app: App) -> None:
    """Remove the snapshots that no release needs, and those that are not complete.

    A release needs the newest one that was made while it was served. If a failed deployment had applied migrations by
    then that the release does not know, it also needs the newest one from before these.
    """
    kept = set()
    for release in {one.before for one in found(app) if app.is_complete(one.before)}:
        own = [one for one in found(app) if one.before == release]
        unmixed = [one for one in own if not one.manifest["already"]]
        kept |= {one.id for one in (*own[-1:], *unmixed[-1:])}
    for name in _names(app):
        if name not in kept:
            # The manifest first: what is left of a snapshot must not look like one.
            files.remove(Path(app.snapshots, name, MANIFEST))
            tree.remove_tree(os.path.join(app.snapshots, name))


def _names(app: App) -> list[str]:
    try:
        return os.listdir(app.snapshots)
    except FileNotFoundError:
        return []
