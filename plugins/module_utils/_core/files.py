# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are whole or not there: every name is made by one rename(2), on the disk before it can be seen."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

# nginx.conf and what it includes may hold bytes of any encoding: they come back as they were.
BYTES = "surrogateescape"


def read(path: str | Path) -> str | None:
    """The text of *path*, None where there is no such file."""
    try:
        return Path(path).read_text(encoding="utf-8", errors=BYTES)
    except FileNotFoundError:
        return None


def write(path: Path, content: str, mode: int = 0o644) -> None:
    """Write *content* to the new file *path* and bring it to the disk; by default anyone may read it."""
    try:
        # Never open to more than *mode*, not even while it is written.
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode & 0o600)
        with open(descriptor, "w", encoding="utf-8", errors=BYTES) as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        # On a full disk each byte counts.
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
    path.chmod(mode)


def replace(path: Path, content: str, mode: int | None = None) -> None:
    """Write *content* to *path* with one rename(2), mode and owner kept, or *mode*; a symlink is written through."""
    path = path.resolve()
    before = path.stat() if path.exists() else None
    new = temporary(path)
    write(new, content, 0o644 if mode is None else mode)
    if before and mode is None:
        os.chown(new, before.st_uid, before.st_gid)
        new.chmod(before.st_mode & 0o7777)
    new.replace(path)
    sync_directory(path.parent)


def remove(path: Path) -> None:
    """Remove the file or symlink *path*, if it is there, for good."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync_directory(path.parent)


def point(link: Path, target: str) -> None:
    """Point the symlink *link* to *target* with one rename(2), unless it does so already."""
    if link.is_symlink() and os.readlink(link) == target:
        return
    new = temporary(link)
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
    sync_directory(link.parent)


def sync_directory(path: Path) -> None:
    """Bring the names in a directory to the disk (fsync(2): a file's own fsync does not)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path, mode: int = 0o755) -> None:
    """Make *path* and what is missing above it, each name brought to the disk."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=mode)
    sync_directory(path.parent)


def temporary(path: Path) -> Path:
    """The name that *path* has until it is whole; no include of nginx.conf reaches it."""
    return path.with_name(f".{path.name}.gatehouse-new")


def sweep(paths: Iterable[Path]) -> None:
    """Remove what a run that was killed has left beside *paths*."""
    for path in paths:
        for left in (temporary(path), temporary(path.resolve())):
            # A file system that is read-only refuses the removal of what is not there, too.
            if os.path.lexists(left):
                left.unlink()
