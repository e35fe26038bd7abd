# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the data of a backup onto a host before the first release of the app, as after the loss of a host.

Nothing is replaced: a host with data of the app is refused. The deployment that follows finds the data as if it had
made them, so commands for a new database do not run again, and the migrations of a newer release are applied.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts, directories
from ansible_collections.gatehouse.django.plugins.module_utils._app.history import History
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import BEFORE_RESTORE
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._backup import (
    certificates,
    first_load,
    journal,
    postgresql,
    room,
)
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Manifest
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._backup.snapshot import CERTIFICATES, HISTORY
from ansible_collections.gatehouse.django.plugins.module_utils._backup.staging import Staging
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree

# What the restored data are of, by keys of the manifest.
MADE_OF: tuple[Literal["time", "host", "release", "revision"], ...] = ("time", "host", "release", "revision")


class FirstData:
    """Restores the app at *place*. The caller holds the locks of the app and of its backup."""

    def __init__(self, tools: Tools, place: Place) -> None:
        self.tools, self.place, self.app = tools, place, place.app

    def found(self) -> dict[str, Any]:
        """What an earlier run has restored before the first release; empty if there is nothing, or only a part.

        The data may have been removed since.
        """
        known: dict[str, Any] = json.loads(files.read(self.place.first_data) or "{}")
        if not known or journal.path(self.place).exists():
            return {}
        is_there = not self._is_empty() or any(map(first_load.has_tables, known["postgresql"]))
        return known if is_there else {}

    @property
    def is_to_be_finished(self) -> bool:
        """Whether a restore was killed after all was complete that it exchanges."""
        note = journal.read(self.place)
        return bool(note and note.is_ready)

    def recover(self) -> None:
        """Finish a restore that was killed while it exchanged, or remove what one has left that was not so far."""
        note = journal.read(self.place)
        if note is None:
            return
        known = json.loads(files.read(self.place.first_data) or "{}")
        if known.get("stage") == note.stage:
            self._clean_up(note)
        elif note.is_ready:
            self._exchange(note, json.loads(files.read(self._facts(note)) or "{}"))
        else:
            self._discard(note)

    def bring_history(self, repository: Repository, snapshot: str) -> None:
        """Bring the record of the changes of the app, unless the host has one. Old backups have none."""
        path = History(self.app.name).path
        if not path.exists() and (found := repository.attempt("dump", snapshot, f"/{HISTORY}"))[0] == 0:
            files.make_directory(path.parent, 0o700)
            files.replace(path, found[1], 0o600)

    def run(
        self, repository: Repository, snapshot: str, manifest: Manifest, only: str, media_group: str
    ) -> dict[str, object]:
        """Restore *only* all, database or files of the snapshot; return what that was, as `found` does."""
        accounts.ensure(self.tools, self.app)
        directories.ensure(self.app, media_group)
        if not self._is_empty():
            raise BackupError(
                f"{self.app.data} is not empty, and a restore before the first release replaces nothing. Move the "
                "files away. Or deploy the app with gatehouse.django.site; then the restore says what it would "
                "replace. Nothing was changed."
            )
        when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        databases, elsewhere = first_load.databases_of(self.app, manifest, snapshot)
        here = {one.alias for one in databases}
        restored = [one for one in manifest["databases"] if one["alias"] in here]
        manifest = {**manifest, "databases": restored, "left_out": [*manifest["left_out"], *elsewhere]}
        staging = Staging(self.app, manifest, only, f"{BEFORE_RESTORE}{when}", databases)
        versions = {str(one["alias"]): str(one["version"]) for one in restored}
        first_load.check_server(databases if only != "files" else [], versions)
        staging.check()
        staging.check_room(room.sizes(repository, snapshot, staging.parts))
        note = journal.Journal(snapshot[:8], str(manifest["release"]), staging.stage, is_first=True)
        note.write(self.place)
        try:
            facts = self._stage(note, staging, repository, snapshot, manifest, when)
        except BaseException:
            self._discard(note)
            raise
        self._exchange(note, facts)
        return facts

    def _stage(
        self,
        note: journal.Journal,
        staging: Staging,
        repository: Repository,
        snapshot: str,
        manifest: Manifest,
        when: str,
    ) -> dict[str, object]:
        """Bring all of it onto the host, beside the empty data; return what it is."""
        with self.tools.phase("fetch"):
            staging.fetch(repository, snapshot, (f"/{CERTIFICATES}",))
        with self.tools.phase("load"):
            rows = {str(one["alias"]): dict(one["rows"]) for one in manifest["databases"]}
            note.renames = staging.renames(
                when.lower(), lambda one, name, dump: first_load.load(self.app, one, name, dump, rows[one.alias])
            )
        note.moves = staging.moves()
        restored = certificates.restore(Path(staging.directory, CERTIFICATES))
        facts = _facts(note, staging, manifest) | {
            "certificates": restored.made,
            "kept_certificates": restored.kept,
            "accounts": restored.accounts,
            "left_out": list(map(str, manifest["left_out"])) if staging.has_databases else [],
        }
        files.write(self._facts(note), json.dumps(facts) + "\n", 0o600)
        note.is_ready = True
        note.write(self.place)
        return facts

    def _exchange(self, note: journal.Journal, facts: Mapping[str, object]) -> None:
        with self.tools.phase("exchange"):
            note.exchange(self.app)
            files.replace(self.place.first_data, json.dumps(facts) + "\n", 0o600)
            self._clean_up(note)

    def _discard(self, note: journal.Journal) -> None:
        """Remove what was brought and is not live."""
        for one in note.renames:
            postgresql.drop(one.restored)
        tree.remove_tree(os.path.join(self.app.home, note.stage))
        files.remove(journal.path(self.place))

    def _clean_up(self, note: journal.Journal) -> None:
        """Remove the empty databases and directories that were there before."""
        for one in note.renames:
            postgresql.drop(one.kept)
        tree.remove_tree(os.path.join(self.app.home, note.stage))
        files.remove(journal.path(self.place))

    def _facts(self, note: journal.Journal) -> Path:
        return Path(self.app.home, note.stage, "facts.json")

    def _is_empty(self) -> bool:
        """Whether the data have nothing but the empty directory for media, which each app has."""
        if not os.path.isdir(self.app.data):
            return True
        with tree.opened(self.app.home, "data") as data:
            names = os.listdir(data)
        if names != ["media"]:
            return not names
        with tree.opened(self.app.home, "data", "media") as media:
            return not os.listdir(media)


def _facts(note: journal.Journal, staging: Staging, manifest: Manifest) -> dict[str, object]:
    databases = staging.now.values() if staging.has_databases else ()
    return {
        "stage": note.stage,
        "snapshot": note.snapshot,
        **{name: str(manifest[name]) for name in MADE_OF},
        "databases": [f"'{one.alias}' ({one.vendor})" for one in databases],
        "postgresql": [one.name for one in databases if one.vendor == "postgresql"],
        "has_files": staging.has_files,
    }
