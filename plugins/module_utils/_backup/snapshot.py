# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One backup: the databases, the files and a manifest as one snapshot; then old ones go, and a part is read again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts, backup_record, interrupted_restore
from ansible_collections.gatehouse.django.plugins.module_utils._app.history import History
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup import (
    certificates,
    databases,
    project_data,
    view,
)
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Dump, Manifest
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository, last_words
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, is_held, locked

MANIFEST = "manifest.json"
DATABASES = "databases"
# What a host that is lost takes with it, besides the data: certbot's files, and the record of the changes of the app.
CERTIFICATES = "letsencrypt"
HISTORY = "history.jsonl"
# A different part of the repository is read each day, so that all of it is read in this many days.
PARTS = 30
# restic stored what it could read. A file that disappears meanwhile is no failure.
INCOMPLETE = 3
# What a server with --append-only answers to each DELETE but that of a lock, in restic 0.14 and 0.18.
ONLY_ADDS = re.compile(r"403 Forbidden")
GONE = re.compile(r'"Err":\s*2\b|no such file or directory')


def back_up(place: Place) -> backup_record.Backup:
    """Make one backup and record it; return the record, also of one that failed."""
    run = backup_record.began(place.app.current())
    start = time.monotonic()
    try:
        with locked(f"backup-{place.app.name}"):
            backup_record.write(place.app.name, run, place.directory)
            try:
                # Between the steps of one, the databases and the files can be of different moments.
                interrupted_restore.check_none(place.app.name, place.directory)
                _back_up(place, run)
                run["result"] = "ok"
            except (BackupError, ReleaseError, OSError, ValueError, KeyError) as error:
                run["result"], run["problem"] = "failed", str(error)
            run["seconds"] = round(time.monotonic() - start, 1)
            backup_record.write(place.app.name, run, place.directory)
    except LockError as error:
        # The other run records how it ends.
        run["result"], run["problem"] = "failed", str(error)
    return run


def tidy(place: Place) -> None:
    """Remove what a backup that was killed has left: dumps, as secret as the databases.

    Another one that runs has removed them already, and what there is belongs to it.
    """
    name = f"backup-{place.app.name}"
    if is_held(name):
        return
    with contextlib.suppress(LockError), locked(name):
        tree.remove_tree(str(place.view))
        # The app may be removed by now, and could have put a directory there.
        with contextlib.suppress(OSError), tree.opened(place.app.home, "data") as data:
            for left in filter(project_data.is_left, os.listdir(data)):
                os.unlink(left, dir_fd=data)


def _back_up(place: Place, run: backup_record.Backup) -> None:
    app, repository = place.app, Repository(place)
    if not run["release"]:
        raise BackupError(f"{app.name} serves no release, so its settings name no database: deploy it first.")
    # All apps of the host, and PostgreSQL, can need the rest of a file system.
    if repository.is_local and place.local.exists() and not databases.room(str(place.local)):
        raise BackupError(
            f"{place.local} has less than a tenth of its file system free, or than 5 GB. Keep fewer backups (keep), or "
            "have them elsewhere (to)."
        )
    with _emptied(place.view):
        directory = place.view / DATABASES
        files.make_directory(directory, 0o700)
        # The databases first: a row that names an uploaded file is then never newer than the files.
        found, versions, run["warnings"] = databases.read(app)
        dumped = {one.alias: databases.dump(app, one, directory / one.file) for one in found}
        names, problems = certificates.collect(app, place.view / CERTIFICATES)
        run["warnings"] += problems
        if history := files.read(History(app.name).path):
            files.write(place.view / HISTORY, history, 0o600)
        manifest = _manifest(place, run, found, dumped, versions)
        manifest["certificates"] = names
        files.write(place.view / MANIFEST, json.dumps(manifest, indent=1) + "\n", 0o600)
        with view.data_of(app, place.view / "data"):
            # Locks of processes that have ended; restic keeps those of others.
            repository.attempt("unlock")
            _store(repository, run, [one.path for one in found])
    # From now on the host has data of its own.
    files.remove(place.first_data)
    run["warnings"] += _keep(repository)
    part = int(time.time()) // 86400 % PARTS + 1
    repository.call("check", "--with-cache", f"--read-data-subset={part}/{PARTS}")


def _manifest(
    place: Place,
    run: backup_record.Backup,
    found: list[databases.Database],
    dumped: dict[str, Dump],
    versions: dict[str, str],
) -> Manifest:
    app = place.app
    user, group = accounts.ids_of(app.name)
    media = group
    with tree.opened(app.home, "data") as data, contextlib.suppress(FileNotFoundError):
        media = os.stat("media", dir_fd=data, follow_symlinks=False).st_gid
    return {
        "app": app.name,
        "host": socket.gethostname(),
        "time": run["began"],
        "release": run["release"],
        "revision": app.revision(run["release"]),
        "versions": versions,
        "user": user,
        "group": group,
        "media_group": media,
        "databases": [one.stored(app.data, dumped[one.alias]) for one in found],
        "left_out": run["warnings"],
    }


def _store(repository: Repository, run: backup_record.Backup, live: list[str]) -> None:
    """Make the snapshot, without the files of the *live* SQLite databases: their dumps are in it."""
    place = repository.place
    data = place.view / "data"
    relative = [os.path.relpath(path, place.app.data) for path in live if path.startswith(f"{place.app.data}/")]
    left_out = [escaped(f"{data}/{path}{end}") for path in relative for end in ("", "-wal", "-shm", "-journal")]
    left_out.append(f"{escaped(str(data))}/{project_data.SCRATCH}*")
    words = [word for pattern in left_out for word in ("--exclude", pattern)]
    tags = ["--tag", place.app.name, "--host", socket.gethostname()]
    code, out, err = repository.attempt("backup", "--json", *tags, *words, ".", cwd=str(place.view))
    summary = next((one for one in map(_json, reversed(out.splitlines())) if one.get("message_type") == "summary"), {})
    run["snapshot"] = str(summary.get("snapshot_id", ""))[:8]
    run["bytes"], run["added"] = (int(summary.get(key, 0)) for key in ("total_bytes_processed", "data_added"))
    errors = [line for line in err.splitlines() if _json(line).get("message_type") == "error"]
    lost = [line for line in errors if not GONE.search(line)]
    if code not in (0, INCOMPLETE) or not run["snapshot"]:
        raise BackupError(f"restic backup failed on {repository.shown}: {repository.why(err or out)}")
    if code == INCOMPLETE and (lost or not errors):
        raise BackupError(
            f"{len(lost)} files could not be read, the others are stored: {last_words(lost[0] if lost else err)}"
        )


def _keep(repository: Repository) -> list[str]:
    """Remove what the option `keep` does not keep; return a warning if the server of the repository only adds.

    With an empty `keep`, another host removes old backups, or none.
    """
    keep = repository.place.options()["keep"]
    words = [f"--keep-{name}={number}" for name, number in sorted(keep.items()) if number]
    if words:
        tags = ["--tag", repository.place.app.name, "--host", socket.gethostname(), "--group-by", "host,tags"]
        code, out, err = repository.attempt("forget", "--prune", *tags, *words)
        if code and ONLY_ADDS.search(err):
            return [
                f"{backup_record.OLD_STAY}{repository.shown} only adds (append-only). Set 'keep: {{}}' in backup, and "
                "have its server remove them (docs/backup.md)."
            ]
        if code:
            raise BackupError(f"restic forget failed on {repository.shown}: {repository.why(err or out)}")
    return []


@contextlib.contextmanager
def _emptied(directory: Path) -> Iterator[None]:
    """Have an empty directory for the dumps, and remove them at the end: they are as secret as the database."""
    tree.remove_tree(str(directory))
    files.make_directory(directory, 0o700)
    try:
        yield
    finally:
        tree.remove_tree(str(directory))


def escaped(path: str) -> str:
    """A pattern of restic that matches only *path* (Go's filepath.Match)."""
    return re.sub(r"([\\*?\[])", r"\\\1", path)


def _json(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
