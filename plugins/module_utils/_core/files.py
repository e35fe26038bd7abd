# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write files atomically: the content is on the disk before one rename(2) creates the name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

# nginx.conf and its includes may contain bytes of any encoding. This preserves them.
BYTES = "surrogateescape"


def read(path: str | Path) -> str | None:
    """Read the text of *path*; returns None if there is no such file."""
    try:
        return Path(path).read_text(encoding="utf-8", errors=BYTES)
    except FileNotFoundError:
        return None


def write(path: Path, content: str, mode: int = 0o644) -> None:
    """Write *content* to the new file *path* and sync it to the disk; by default it is world-readable."""
    try:
        # Never grant more than *mode*, not even while writing.
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode & 0o600)
        with open(descriptor, "w", encoding="utf-8", errors=BYTES) as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        # Free the space: the disk may be full.
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
    path.chmod(mode)


def replace(path: Path, content: str, mode: int | None = None) -> None:
    """Replace *path* by *content* with one rename(2). Keep mode and owner, unless *mode* is given; follow a symlink."""
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
    """Remove the file or symlink *path* if it exists, and sync its directory."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync_directory(path.parent)


def point(link: Path, target: str) -> None:
    """Point the symlink *link* to *target* with one rename(2), unless it already does."""
    if link.is_symlink() and os.readlink(link) == target:
        return
    new = temporary(link)
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
    sync_directory(link.parent)


def sync_directory(path: Path) -> None:
    """Sync the names in a directory to the disk: fsync(2) of a file does not do that."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path, mode: int = 0o755) -> None:
    """Create *path* and its missing parents, and sync each name to the disk."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=mode)
    sync_directory(path.parent)


def temporary(path: Path) -> Path:
    """The name that *path* has until it is complete; no include of nginx.conf matches it."""
    return path.with_name(f".{path.name}.gatehouse-new")


def sweep(paths: Iterable[Path]) -> None:
    """Remove the temporary files that a killed run has left beside *paths*."""
    for path in paths:
        for left in (temporary(path), temporary(path.resolve())):
            # A read-only file system also refuses the removal of a file that does not exist.
            if os.path.lexists(left):
                left.unlink()
