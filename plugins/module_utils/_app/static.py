# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compress static files, and link those of other releases into a release, for open pages that still request them.

Only files with a content hash in their name are carried into another release, because they are identical in every
release. Files with other names, above all a manifest, differ between releases.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.app_user import AppUser
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, tail
from ansible_collections.gatehouse.django.plugins.module_utils._core import files

# The end of a name, as in `.js`, `.chunk.js.map` and `.woff2`, but not that of a version, as in `.7.1.js`.
_END = r"(?:\.[0-9]*[A-Za-z][A-Za-z0-9]*)+$"
# A word or a number. A short name that consists of few of them, as in `x-iPhone15.png`, has no hash.
_WORD = r"[_-]*(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]+)"
# Names with a content hash, which nginx sends as immutable (http.conf.j2). Compressed variants have such names
# as well. A name that is taken for one by mistake would be cached for a year, so in doubt it has no hash.
HASHES = (
    # Django's ManifestStaticFilesStorage.
    r"\.[0-9a-f]{12}" + _END,
    # webpack; also `-` before the hash. Digits alone can be a date.
    r"[.-](?=[0-9]{0,63}[a-f])[0-9a-f]{12,64}" + _END,
    # webpack, Parcel and others with eight hexadecimal digits or a few more.
    rf"[.-](?=[\w-]{{8,11}}\.)(?=[a-f]{{0,10}}[0-9])(?!(?:{_WORD}){{1,2}}\.)[0-9a-f]{{8,11}}{_END}",
    # Vite and Rollup: eight characters of base64url. This does not recognise about a fifth of them.
    rf"[.-](?=[\w-]{{8}}\.)(?=[\w-]{{0,7}}[a-z])(?=[\w-]{{0,7}}[A-Z])(?!(?:{_WORD}){{1,3}}[_-]*\.)"
    rf"[\w-]{{8}}{_END}",
    # esbuild: eight characters of base32. This recognises about a third of them.
    rf"[.-](?=[\w-]{{8}}\.)(?!(?:{_WORD}){{1,3}}\.)[A-Z2-7]{{8}}{_END}",
)
# To carry a file is harmless, so all names that may have such a hash are carried.
CARRIED = re.compile(rf"{HASHES[0]}|[.-](?=[\w-]{{0,63}}[0-9A-Z])(?![0-9_-]{{1,64}}\.)[\w-]{{8,64}}{_END}", re.ASCII)
CARRIED_LIST = "carried_static.json"
OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def carry(release: str, others: Iterable[str]) -> list[str]:
    """Link into *release* the hashed static files that the *others* built and *release* lacks.

    All are directories of releases, owned by root. Return the names of all files that *release* has from others.
    Carried files are not carried on: a file disappears with the last release that built it. A rollback carries files
    of the newer release into the older one.
    """
    static = os.path.join(release, "static")
    present, carried = hashed_files(static), carried_by(release)
    missing: dict[str, str] = {}
    for other in others:
        theirs = os.path.join(other, "static")
        for name in hashed_files(theirs) - present - carried_by(other):
            missing.setdefault(name, theirs)
    carried |= missing.keys()
    # Write the list first: a carried file that is missing in it would count as built by this release.
    files.replace(Path(release, CARRIED_LIST), json.dumps(sorted(carried), indent=1))
    for name, theirs in missing.items():
        _link(theirs, static, name.split(os.sep))
    return sorted(carried)


def compress(user: AppUser, static: str, served: str) -> None:
    """Write compressed variants beside the static files, which belong to the app's *user*.

    *served* is the same directory of the current release, whose variants of unchanged files are copied.
    """
    if os.listdir(static):
        program = os.path.join(user.release, "gatehouse", "gatehouse_compress.py")
        code, out, err = user.attempt([user.python, "-IS", program, static, served])
        if code != 0:
            raise ReleaseError(f"the static files cannot be compressed ({code}):\n{tail(err or out)}")


def hashed_files(static: str) -> set[str]:
    """Return the relative paths of the regular files below *static* with a hash in their name."""
    found = set()
    for path, _directories, names in os.walk(static):
        for name in filter(CARRIED.search, names):
            entry = os.path.join(path, name)
            if stat.S_ISREG(os.lstat(entry).st_mode):
                found.add(os.path.relpath(entry, static))
    return found


def carried_by(release: str) -> set[str]:
    """Return the relative paths of the static files that *release* has from others."""
    try:
        with open(os.path.join(release, CARRIED_LIST), encoding="utf-8") as file:
            return set(json.load(file))
    except FileNotFoundError:
        return set()


def _link(source: str, target: str, name: Sequence[str]) -> None:
    """Link the file *name* below *source* to the same name below *target*, unless that exists."""
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
    """Open a directory. Do not follow symlinks, which an app can leave among its static files."""
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
