# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Handle, as root, directory trees that another user has written, without following links.

Root opens each directory relative to its parent (openat(2) with O_NOFOLLOW), so the owner cannot redirect it with a
link. This package is private to the collection.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# The depth of a tree. Each level needs a file descriptor, and a process has 1,024.
MAX_DEPTH = 100
# acl(5). An entry of another user becomes valid again with the mode that a file gets.
ACCESS_LISTS = frozenset({"system.posix_acl_access", "system.posix_acl_default"})
IdMap = dict[int, int]


class UntrustedEntry(OSError):
    """A tree of another user contains an entry that root refuses to handle; the text names it."""


@dataclass(frozen=True)
class Access:
    """The new owner of a tree, and the modes of its directories, files and executable files."""

    user: int
    group: int
    directory: int = 0o755
    file: int = 0o644
    program: int = 0o755


@contextmanager
def opened(top: str, *names: str) -> Iterator[int]:
    """Open the directory *names* below *top*; raises UntrustedEntry if one of *names* is a link."""
    descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        path = top
        for name in names:
            path = os.path.join(path, name)
            outer, descriptor = descriptor, _open_directory(descriptor, name, path)
            os.close(outer)
        yield descriptor
    finally:
        os.close(descriptor)


def take_over(top: str, owner: int, access: Access) -> None:
    """Change owner and modes of the tree *top*, which belongs to the user *owner*, to *access*.

    Each directory gets its new owner before its entries are listed, so that *owner* cannot replace them. An entry
    of another user (a hard link, for example) and an entry that is no file, directory or link raise UntrustedEntry.
    """
    with opened(os.path.dirname(top), os.path.basename(top)) as descriptor:
        _TakeOver(owner, access).directory(descriptor, top, MAX_DEPTH)


class _TakeOver:
    def __init__(self, owner: int, access: Access) -> None:
        self.owner, self.access = owner, access
        # By device and inode: a file may have several names in the tree.
        self.inodes: set[tuple[int, int]] = set()

    def directory(self, descriptor: int, path: str, depth: int) -> None:
        _check_depth(path, depth)
        self._check(os.fstat(descriptor), path)
        self._give(descriptor, self.access.directory)
        for name in _names(descriptor):
            inside = os.path.join(path, name)
            with _named_in_errors(inside):
                self._entry(descriptor, name, inside, depth)

    def _entry(self, directory: int, name: str, path: str, depth: int) -> None:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            inner = _open_directory(directory, name, path)
            try:
                self.directory(inner, path, depth - 1)
            finally:
                os.close(inner)
        elif stat.S_ISLNK(found.st_mode):
            self._check(found, path)
            os.chown(name, self.access.user, self.access.group, dir_fd=directory, follow_symlinks=False)
        elif stat.S_ISREG(found.st_mode):
            self._file(directory, name, path)
        else:
            raise UntrustedEntry(f"{shown(path)} is neither a file nor a directory nor a symbolic link")

    def _file(self, directory: int, name: str, path: str) -> None:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
        try:
            found = os.fstat(descriptor)
            self._check(found, path)
            self._give(descriptor, self.access.program if found.st_mode & 0o100 else self.access.file)
        finally:
            os.close(descriptor)

    def _give(self, descriptor: int, mode: int) -> None:
        os.fchown(descriptor, self.access.user, self.access.group)
        for name in ACCESS_LISTS.intersection(os.listxattr(descriptor)):
            os.removexattr(descriptor, name)
        os.fchmod(descriptor, mode)

    def _check(self, found: os.stat_result, path: str) -> None:
        inode = found.st_dev, found.st_ino
        if found.st_uid != self.owner and inode not in self.inodes:
            raise UntrustedEntry(f"{shown(path)} belongs to user ID {found.st_uid}, not to user ID {self.owner}")
        self.inodes.add(inode)


def change_owner(top: str, users: IdMap, groups: IdMap, last: str = "") -> None:
    """Replace owners in the tree *top*: *users* and *groups* map old ids to new ones. Modes stay the same.

    A directory is changed after its entries, and the entry *last* of *top* after all others.
    """
    with opened(top) as descriptor:
        _change_owners(descriptor, sorted(_names(descriptor), key=last.__eq__), top, users, groups, MAX_DEPTH)


def _change_owners(descriptor: int, names: list[str], path: str, users: IdMap, groups: IdMap, depth: int) -> None:
    _check_depth(path, depth)
    for name in names:
        inside = os.path.join(path, name)
        with _named_in_errors(inside):
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                inner = _open_directory(descriptor, name, inside)
                try:
                    _change_owners(inner, _names(inner), inside, users, groups, depth - 1)
                finally:
                    os.close(inner)
            numbers = users.get(found.st_uid, -1), groups.get(found.st_gid, -1)
            if numbers != (-1, -1):
                os.chown(name, *numbers, dir_fd=descriptor, follow_symlinks=False)


def _check_depth(path: str, depth: int) -> None:
    if depth == 0:
        raise UntrustedEntry(f"{shown(path)} is more than {MAX_DEPTH} directories deep")


def _names(directory: int) -> list[str]:
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries)


def write_file(top: str, name: str, content: str, owner: tuple[int, int]) -> None:
    """Write *content* to the relative path *name* below *top* as *owner* (user and group), mode 0600.

    Creates missing directories. Replaces a file or a link of that name, but not a directory.
    """
    *above, file = os.path.normpath(name).split(os.sep)
    for depth in range(len(above)):
        with opened(top, *above[:depth]) as outer:
            make_directory(outer, above[depth], os.path.join(top, *above[: depth + 1]), owner, 0o700, keep=True)
    with opened(top, *above) as directory, _named_in_errors(os.path.join(top, name)):
        with suppress(FileNotFoundError):
            os.unlink(file, dir_fd=directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(file, flags, 0o600, dir_fd=directory), "w", encoding="utf-8") as written:
            os.fchown(written.fileno(), *owner)
            written.write(content)


def make_directory(parent: int, name: str, path: str, owner: tuple[int, int], mode: int, *, keep: bool = False) -> bool:
    """Create the directory *name* in *parent*, or correct its owner and mode unless *keep* is set.

    Returns whether anything changed; raises UntrustedEntry if *name* is not a directory.
    """
    made = False
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
        made = True
    except FileExistsError:
        pass
    descriptor = _open_directory(parent, name, path)
    try:
        found = os.fstat(descriptor)
        differs = (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) != (*owner, mode)
        if made or (differs and not keep):
            os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            return True
        return False
    finally:
        os.close(descriptor)


def _open_directory(parent: int, name: str, path: str) -> int:
    try:
        with _named_in_errors(path):
            return os.open(name, DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        raise
    # ELOOP or ENOTDIR, by the kernel's version.
    except OSError as error:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            raise UntrustedEntry(
                f"{shown(path)} is a symbolic link. Gatehouse does not follow links that an app or a repository can "
                "create: replace it with a directory, or bind-mount the target there (mount --bind)"
            ) from error
        if not stat.S_ISDIR(found.st_mode):
            raise UntrustedEntry(f"{shown(path)} is not a directory") from error
        raise


def entries(top: str) -> Iterator[os.DirEntry[str]]:
    """Yield all entries below *top* whose paths fit into a system call; os.walk recurses before Python 3.12."""
    todo = [top]
    while todo:
        with suppress(OSError), os.scandir(todo.pop()) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                yield entry


def remove_tree(path: str) -> None:
    """Remove *path* and everything below it, at any depth, if it exists.

    shutil.rmtree recurses before Python 3.13 and needs a descriptor for each level; rm(1) does not.
    """
    if not os.path.lexists(path):
        return
    try:
        shutil.rmtree(path)
    # OSError: another process may have removed an entry first, and rmtree has not removed the rest.
    except (RecursionError, OSError):
        command = ["rm", "-rf", "--one-file-system", "--", path]
        code, _out, err = run_bounded(command)
        if code:
            raise OSError(f"{shown(path)} cannot be removed: {shown(err.strip()[-500:])}") from None


def shown(path: str) -> str:
    """Quote *path* for a message, with control characters and undecodable bytes escaped."""
    return "'" + "".join(character if character.isprintable() else ascii(character)[1:-1] for character in path) + "'"


@contextmanager
def _named_in_errors(path: str) -> Iterator[None]:
    """Put the complete *path* into a system error: the calls here know only its last part."""
    try:
        yield
    except OSError as error:
        # An UntrustedEntry has no number.
        if error.errno and not os.path.isabs(str(error.filename)):
            error.filename = path
        raise
