# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies data: a process with the old user's rights reads, and one with the app's rights writes. Root does neither."""

from __future__ import annotations

import grp
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import TAKEOVER_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.copies import Copy
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import Refused
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.settings import Process

STATE = Path(TAKEOVER_DIRECTORY)
# $1, $2: the rights of the two processes; $3: source; $4: destination; $5: the snapshot of tar. An empty snapshot makes
# a whole copy, a filled one a copy of what has changed since. The copy has no file that the source does not have.
# tar ends with 1 if a file changes while it is read.
DIRECTORY = """
umask 027
$1 tar --create --file=- --listed-incremental="$5" --mode=u+rwX,g+rX,o-rwx --directory="$3" . |
    $2 tar --extract --file=- --listed-incremental=/dev/null --no-same-owner --no-same-permissions \
        --no-overwrite-dir --directory="$4"
codes="${PIPESTATUS[*]}"
# New files get the group of nginx from their directory.
$2 find "$4" -type d ! -perm -2050 -exec chmod g+rxs {} +
echo "$codes" >&2
[ "$codes" = "0 0" ] || exit "${codes%% *}"
"""
# SQLite's backup is consistent even while other processes write (sqlite3.Connection.backup).
BACKUP = """
import sqlite3, sys, urllib.parse
source = sqlite3.connect(f"file:{urllib.parse.quote(sys.argv[1])}?mode=rw", uri=True, timeout=30)
source.backup(sqlite3.connect(sys.argv[2]))
"""
# $1, $2: the rights of the two processes; $3: the backup; $4: destination.
DATABASE = """
set -o pipefail
$1 cat -- "$3" | $2 sh -c 'umask 027
cat >"$1.gatehouse-new" && sync "$1.gatehouse-new" &&
    rm -f -- "$1-wal" "$1-shm" "$1-journal" && mv -- "$1.gatehouse-new" "$1"' sh "$4"
"""
CHANGED_WHILE_READ = 1


class Copier:
    """Copies the data of the hand-made site of *reader* to *app*; a second time only what has changed."""

    def __init__(self, app: App, reader: Process, media_group: str) -> None:
        self.app, self.reader = app, reader
        self.media_group = grp.getgrnam(media_group).gr_gid
        self.home = STATE / app.name

    def begin(self) -> None:
        """Forget earlier copies, so that the next one is whole."""
        files.make_directory(self.home)
        snapshot = self._snapshot()
        snapshot.unlink(missing_ok=True)
        os.close(os.open(snapshot, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.chown(snapshot, self.reader.user, self.reader.group)

    def copy(self, copies: Sequence[Copy], *, is_live: bool) -> None:
        """Make the copies. While the site *is_live*, a file may change meanwhile; a later copy corrects that."""
        for copy in copies:
            if copy.database:
                self._database(copy)
            else:
                self._directory(copy, is_live)

    def _snapshot(self) -> Path:
        # tar runs as the old user, and replaces the file's content only.
        return self.home / "uploads.snapshot"

    def _directory(self, copy: Copy, is_live: bool) -> None:
        words = [copy.source, copy.destination, str(self._snapshot())]
        code, _out, err = self._pipe(DIRECTORY, words, self.media_group)
        tolerated = (0, CHANGED_WHILE_READ) if is_live else (0,)
        *lines, codes = err.strip().splitlines() or ["", ""]
        if code not in tolerated or not codes.endswith(" 0"):
            raise Refused(f"Copying {copy} failed: {_last_words(lines)}")

    def _database(self, copy: Copy) -> None:
        with self._spool() as spool:
            backup = [*self.reader.command(), sys.executable, "-I", "-c", BACKUP, copy.source, f"{spool}/backup"]
            code, _out, err = run_bounded(backup)
            if not code:
                code, _out, err = self._pipe(DATABASE, [f"{spool}/backup", copy.destination])
            if code:
                raise Refused(f"Copying {copy} failed: {_last_words(err.splitlines())}")

    def _pipe(self, script: str, words: list[str], group: int | None = None) -> tuple[int, str, str]:
        """Run a script; what it writes gets *group*, by default that of the app."""
        return run_bounded(["bash", "-c", script, "bash", *self._rights(group), *words])

    def _rights(self, group: int | None) -> tuple[str, str]:
        """The commands that run another one as the old user, and as the app."""
        user, own_group = accounts.ids_of(self.app.name)
        writer = f"setpriv --reuid={user} --regid={own_group if group is None else group} --groups={own_group} --"
        return " ".join(self.reader.command()), writer

    @contextmanager
    def _spool(self) -> Iterator[str]:
        """A directory of the old user, on the disk: a database may be larger than the memory."""
        with tempfile.TemporaryDirectory(dir=self.home) as directory:
            os.chown(directory, self.reader.user, self.reader.group)
            yield directory


def _last_words(lines: Sequence[str]) -> str:
    """The end of a program's messages, in one line."""
    return harmless(" ".join(filter(None, map(str.strip, lines[-3:])))[-500:])
