# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private. Read, as root, files that an app or a repository may have created: links, FIFOs, huge files, any bytes.

Paths are opened one component at a time, relative to an open directory. A link is followed only if no other user can
have created it: it belongs to root, in a directory that only root can write (the rule of systemd's CHASE_SAFE).
No link is followed below an app's data or inside a release: a release's links come from its repository.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS

LIMIT = 1024 * 1024  # bytes of a file
LINKS = 40  # as many as the kernel follows
ENTRIES = 2000  # of one directory
DIRECTORIES = 500
DEPTH = 32
# An app, its repository or its dependencies determine the content of these directories.
APP_DIRECTORY = re.compile(rf"{APPS}/[^/]+/(?:data|cache|(?:releases|failed|venvs)/[^/]+)(?:/|$)")
KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link",
}


class UntrustedPath(OSError):
    """The path contains a link that root does not follow, or is not a regular file."""

    def __init__(self, path: str, reason: str, link: str = "", target: str = "") -> None:
        super().__init__(errno.ELOOP if link else errno.EINVAL, reason, path)
        self.link, self.target = link, target


def harmless(text: str, keep: str = "") -> str:
    """Escape control characters and undecodable bytes of *text*, such as \\x1b, except the characters in *keep*."""
    return "".join(one if one.isprintable() or one in keep else _escaped(one) for one in text)


def _escaped(one: str) -> str:
    # os.fsdecode() maps a byte that is not UTF-8 to a surrogate.
    code = ord(one) - 0xDC00 if 0xDC80 <= ord(one) <= 0xDCFF else ord(one)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@contextmanager
def located(path: str, below: str = "", *, follow: bool = False) -> Iterator[int]:
    """Open *path* with O_PATH. Behind the prefix *below* of *path* no link is followed."""
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC) if follow else _walk(path, below)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read(path: str, limit: int = LIMIT, *, below: str = "", tail: bool = False, follow: bool = False) -> str:
    """Read the regular file *path* as text: its first *limit* bytes, or with *tail* its last.

    Bytes that are not UTF-8 are replaced. Raises UntrustedPath unless the file is safe to open. With *follow* every
    link is followed, for a path that root reads anyway, as nginx reads its configuration.
    """
    with located(path, below, follow=follow) as found:
        entry = os.fstat(found)
        if not stat.S_ISREG(entry.st_mode):
            raise UntrustedPath(path, f"this is {kind(entry)}, not a regular file")
        # Open it by its descriptor: the name may have changed, and a FIFO must not be opened.
        descriptor = os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if tail:
            file.seek(max(0, entry.st_size - limit))
        return file.read(limit).decode("utf-8", errors="replace")


def status(path: str, below: str = "") -> os.stat_result | None:
    """The status of *path*, None if it does not exist; raises UntrustedPath for a link that root does not follow."""
    try:
        with located(path, below) as found:
            return os.fstat(found)
    except UntrustedPath:
        raise
    except OSError:
        return None


def is_directory(path: str, below: str = "") -> bool:
    """Whether *path* is a directory, without a link that root does not follow on the way."""
    try:
        entry = status(path, below)
    except UntrustedPath:
        return False
    return entry is not None and stat.S_ISDIR(entry.st_mode)


def link_on(path: str, below: str = "") -> tuple[str, str] | None:
    """The first link on the way to *path* that root does not follow, and its target; None without such a link."""
    try:
        status(path, below)
    except UntrustedPath as error:
        if error.link:
            return error.link, error.target
    return None


def names(directory: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """List the entries below *directory* with their relative paths: those of a directory first, then those inside it.

    Links are listed and not followed. The number of directories and entries is limited.
    """
    try:
        with located(directory) as found:
            top = os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    todo: list[tuple[str, int]] = [("", top)]
    try:
        for _number in range(DIRECTORIES):
            if not todo:
                return
            prefix, descriptor = todo.pop()
            try:
                entries = _entries(descriptor)
                yield from ((prefix + entry.name, entry) for entry in entries)
                inner = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
                if prefix.count("/") < DEPTH:
                    todo += _open_directories(descriptor, prefix, inner[: DIRECTORIES - len(todo)])
            finally:
                os.close(descriptor)
    finally:
        for _prefix, descriptor in todo:
            os.close(descriptor)


def kind(entry: os.stat_result) -> str:
    """The type of the file, in words."""
    return KINDS.get(stat.S_IFMT(entry.st_mode), "a regular file")


def _walk(path: str, below: str) -> int:
    """Open *path* with O_PATH, following only the links that are safe for root."""
    fixed = len(_parts(below)) if below else None
    todo = [(part, fixed is not None and number >= fixed) for number, part in enumerate(_parts(path))]
    place, descriptor, links = "/", _open("/"), 0
    try:
        while todo:
            part, inside = todo.pop(0)
            child = _open(part, descriptor)
            try:
                if stat.S_ISLNK(os.fstat(child).st_mode):
                    target, links = os.readlink("", dir_fd=child), links + 1
                    if inside or links > LINKS or not _only_root_could_create(place, descriptor, child):
                        raise _untrusted_link(os.path.join(place, part), target)
                    todo = [*((one, inside) for one in _parts(target)), *todo]
                    if not target.startswith("/"):
                        continue
                    part, place, child = "/", "/", _close_and_return(child, _open("/"))
                place = os.path.normpath(os.path.join(place, part))
                descriptor, child = child, descriptor
            finally:
                os.close(child)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _open(name: str, directory: int | None = None) -> int:
    return os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)


def _close_and_return(old: int, new: int) -> int:
    os.close(old)
    return new


def _only_root_could_create(place: str, directory: int, link: int) -> bool:
    """Whether only root, or the user of this process, can have created *link* in *directory*."""
    above, made = os.fstat(directory), os.fstat(link)
    own = (0, os.geteuid())
    if APP_DIRECTORY.match(place) or above.st_mode & 0o022:
        return False
    return above.st_uid in own and made.st_uid in own


def _untrusted_link(link: str, target: str) -> UntrustedPath:
    return UntrustedPath(link, f"this is a link to {target}, which root does not follow", link, target)


def _entries(directory: int) -> list[os.DirEntry[str]]:
    with os.scandir(directory) as found:
        return sorted(islice(found, ENTRIES), key=lambda entry: entry.name)


def _open_directories(directory: int, prefix: str, inner: list[os.DirEntry[str]]) -> list[tuple[str, int]]:
    """Open the directories *inner*, in reverse order."""
    found = []
    for entry in reversed(inner):
        try:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            found.append((f"{prefix}{entry.name}/", os.open(entry.name, flags, dir_fd=directory)))
        except OSError:
            continue
    return found
