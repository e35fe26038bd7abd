# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put the source of a release in its place: an archive, files of the inventory, owners and modes.

The unpackers read untrusted input, so they run as the app's building user.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from collections.abc import Callable, Mapping
from typing import BinaryIO

from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree

Fetch = Callable[[str], BinaryIO]
# The maximal size of a file that lists dependencies.
MAX_LIST_BYTES = 32 << 20


def download(fetch: Fetch, url: str, checksum: str, target: str) -> None:
    """Download *url* to *target*; raise ReleaseError unless its content has the *checksum* (`algorithm:digest`)."""
    algorithm, _colon, expected = checksum.partition(":")
    found = hashlib.new(algorithm)
    try:
        with fetch(url) as answer, open(target, "wb") as file:
            while block := answer.read(1 << 20):
                found.update(block)
                file.write(block)
    except OSError as error:
        raise ReleaseError(f"source: the host cannot fetch '{url}': {error}") from error
    if found.hexdigest() != expected.lower():
        raise ReleaseError(
            f"source: '{url}' has the checksum {algorithm}:{found.hexdigest()}, but {checksum} is expected"
        )


def unpack(builder: Builder, python: str, archive: str, target: str) -> None:
    """Unpack *archive* into *target*; *python* is an interpreter of the host."""
    if zipfile.is_zipfile(archive):
        argv = [python, "-I", "-m", "zipfile", "--extract", archive, target]
    else:
        flags = ["--no-same-owner", "--no-same-permissions"]
        argv = ["tar", "--extract", *flags, "--file", archive, "--directory", target]
    builder.run(argv, writable=[target], cwd=target)


def unwrap(target: str) -> None:
    """Remove the single top directory that release archives often have."""
    entries = os.listdir(target)
    wrapped = os.path.join(target, entries[0]) if len(entries) == 1 else ""
    if os.path.isdir(wrapped) and not os.path.islink(wrapped):
        inner = f"{target}.inner"
        os.rename(wrapped, inner)
        os.rmdir(target)
        os.rename(inner, target)


def add_files(target: str, project: str, files: Mapping[str, str], owner: tuple[int, int]) -> None:
    """Write *files*, contents by path below *project*, into the source *target*, and replace existing files."""
    for name, content in files.items():
        path = os.path.relpath(os.path.join(project, name), target)
        if path.startswith(".."):
            raise ReleaseError(f"files: '{name}' would be outside of the source: use a path inside of it")
        # The file can contain passwords: only protect() lets the app read it.
        tree.write_file(target, path, content, owner)


def read(top: str, path: str) -> str | None:
    """Return the text of a file in the source *top*, which no build changes any more; None if it is no such file."""
    resolved, inside = os.path.realpath(path), os.path.join(os.path.realpath(top), "")
    # Check before opening: opening a device can have side effects.
    if not resolved.startswith(inside):
        return None
    try:
        descriptor = os.open(resolved, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_LIST_BYTES:
        os.close(descriptor)
        return None
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        return file.read()


def protect(target: str, owner: int, group: int) -> None:
    """Let only root and the app read the source: settings files can contain passwords."""
    tree.take_over(target, owner, tree.Access(0, group, directory=0o750, file=0o640, program=0o750))


def forget_history(target: str) -> None:
    """Remove the directory .git: the release does not need it."""
    tree.remove_tree(os.path.join(target, ".git"))
