# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the backup of an app has its configuration, secrets and results: in a directory that only root can enter."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import drill_record
from ansible_collections.gatehouse.django.plugins.module_utils._app.backup_spec import KeptOptions
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    BACKUP_CACHE,
    BACKUP_DIRECTORY,
    BACKUPS,
    UNIT_DIRECTORY,
)

# Options that were not tried yet, and those that take the place of the former ones, below `home`.
PREPARED = "prepared"
ACCEPTED = "accepted"


class BackupError(Exception):
    """A backup or restore is not possible or failed; the text is for the operator."""


@dataclass(frozen=True)
class Place:
    """The files of the backup of one app."""

    app: App
    directory: str = BACKUP_DIRECTORY
    # Where the options are below `home`; empty for those in use.
    stage: str = ""

    @property
    def home(self) -> Path:
        """The directory of the others."""
        return Path(self.directory, self.app.name)

    def option(self, name: str) -> Path:
        """A file of the options. From one moment on, the new ones are all in use, and then each is put in its place."""
        stage = self.stage or (ACCEPTED if (self.home / ACCEPTED).is_dir() else "")
        return self.home / stage / name

    @property
    def config(self) -> Path:
        """The options, in JSON."""
        return self.option("config.json")

    @property
    def password(self) -> Path:
        """The password of the repository."""
        return self.option("password")

    @property
    def environment(self) -> Path:
        """Variables for restic, like the key of an object store, in JSON."""
        return self.option("environment.json")

    @property
    def ssh_key(self) -> Path:
        """The private key for sftp."""
        return self.option("ssh_key")

    @property
    def known_hosts(self) -> Path:
        """The keys of the server for sftp."""
        return self.option("known_hosts")

    @property
    def proven(self) -> Path:
        """The digest of the configuration with which the repository was opened last."""
        return self.option("proven")

    @property
    def first_data(self) -> Path:
        """What was restored before the first release, until that release has made a backup."""
        return self.home / "first-data.json"

    @property
    def view(self) -> Path:
        """What one snapshot contains: `manifest.json`, `databases` and `data`."""
        return self.home / "view"

    @property
    def cache(self) -> Path:
        """What restic remembers of the repository."""
        return Path(BACKUP_CACHE, self.app.name)

    @property
    def local(self) -> Path:
        """The repository, unless the options name another one."""
        return Path(BACKUPS, self.app.name)

    @property
    def timer(self) -> Path:
        """The timer; it exists while backups are made."""
        return Path(UNIT_DIRECTORY, f"gatehouse-backup@{self.app.name}.timer")

    @property
    def drill_timer(self) -> Path:
        """The timer of the drills; it exists while there are any."""
        return drill_record.timer(self.app.name)

    def options(self) -> KeptOptions:
        """Read the options; raise BackupError if the app has no backup."""
        text = files.read(self.config)
        if text is None:
            raise BackupError(
                f"The app {self.app.name} has no backup: set 'backup' in its entry in django_apps, and run "
                f"`ansible-playbook gatehouse.django.site -e app={self.app.name}`."
            )
        found: KeptOptions = json.loads(text)
        return found
