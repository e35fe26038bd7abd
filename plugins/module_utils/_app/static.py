# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Static files of other releases, for pages that were made before a switch and still ask for them.

Only a file with a content hash in its name may be carried into another release: it is the same file in every release
that has it. Any other name, a manifest's above all, means something else in each of them.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import files

# What nginx sends as immutable (http.conf.j2). The compressed variants of a file have such a name as well.
HASHED = re.compile(r"\.[0-9a-f]{12}\.[A-Za-z0-9.]+$")
CARRIED_LIST = "carried_static.json"
OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def carry(release: str, others: Iterable[str]) -> list[str]:
    """Link into *release* the hashed static files that each of the *others* has made itself and *release* lacks.

    All are directories of releases, root's by now. Answers the names that *release* has from others. What was carried
    is not handed on: it goes with the last release that has made it. Before a rollback it goes the other way, to an
    older release, for the pages of the newer one.
    """
    static = os.path.join(release, "static")
    present, carried = hashed_files(static), carried_by(release)
    missing: dict[str, str] = {}
    for other in others:
        theirs = os.path.join(other, "static")
        for name in hashed_files(theirs) - present - carried_by(other):
            missing.setdefault(name, theirs)
    carried |= missing.keys()
    # First the list: a carried file that it lacks would pass for one that the release has made.
    files.replace(Path(release, CARRIED_LIST), json.dumps(sorted(carried), indent=1))
    for name, theirs in missing.items():
        _link(theirs, static, name.split(os.sep))
    return sorted(carried)


def hashed_files(static: str) -> set[str]:
    """The names, below the directory *static*, of its files that have a hash. A symlink is no file."""
    found = set()
    for path, _directories, names in os.walk(static):
        for name in filter(HASHED.search, names):
            entry = os.path.join(path, name)
            if stat.S_ISREG(os.lstat(entry).st_mode):
                found.add(os.path.relpath(entry, static))
    return found


def carried_by(release: str) -> set[str]:
    """The names, below its static directory, of the files that *release* has from others."""
    try:
        with open(os.path.join(release, CARRIED_LIST), encoding="utf-8") as file:
            return set(json.load(file))
    except FileNotFoundError:
        return set()


def _link(source: str, target: str, name: Sequence[str]) -> None:
    """The file *name* below *source* also below *target*, unless something else is in its place there."""
    *directories, file = name
    theirs = _open_directory(source, directories)
    try:
        ours = _open_directory(target, directories, make=True)
        try:
            os.link(file, file, src_dir_fd=theirs, dst_dir_fd=ours, follow_symlinks=False)
        finally:
            os.close(ours)
    except (NotADirectoryError, FileExistsError):
        pass
    finally:
        os.close(theirs)


def _open_directory(top: str, below: Sequence[str], make: bool = False) -> int:
    """A handle on a directory. Symlinks, which an app may have left among its static files, are not followed."""
    handle = os.open(top, OPEN_DIRECTORY)
    for name in below:
        outer = handle
        try:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=outer)
                    os.chmod(name, 0o755, dir_fd=outer)
            handle = os.open(name, OPEN_DIRECTORY, dir_fd=outer)
        finally:
            os.close(outer)
    return handle
