# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say what a file system lacks: "No space left on device" can mean that no inode is left, which `df` does not show."""

from __future__ import annotations

import errno
import os


def lack(directory: str) -> str:
    """Return why no file can be made in *directory*, as the end of a sentence; empty where that is possible."""
    state = os.statvfs(directory)
    if state.f_flag & os.ST_RDONLY:
        return "is read-only"
    if not state.f_bavail:
        return "is full"
    # A file system without a fixed number of inodes reports 0 for all of them (statvfs(3)).
    return "has no inodes left ('df --inodes')" if state.f_files and not state.f_favail else ""


def explain(error: BaseException | None) -> str:
    """Return a sentence about the file system that *error*, or the one that caused it, comes from; else empty."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and isinstance(error.filename, str):
            found = _lack_of_parent(error.filename)
            return f"The file system of {found[0]} {found[1]}: free some." if found else ""
        error = error.__cause__ or error.__context__
    return ""


def with_lack(error: Exception) -> str:
    """Return the text of *error*, with the sentence of explain() if there is one."""
    return f"{error}\n{explain(error)}".rstrip()


def _lack_of_parent(path: str) -> tuple[str, str] | None:
    """Return the mount point that *path* is below, and what its file system lacks; None if it lacks nothing."""
    directory = os.path.dirname(os.path.abspath(path))
    while not os.path.ismount(directory):
        directory = os.path.dirname(directory)
    missing = lack(directory)
    return (directory, missing) if missing else None
