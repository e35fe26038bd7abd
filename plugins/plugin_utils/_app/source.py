# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute the revision of a source on the controller, and pack it into one archive."""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

# What development leaves behind. The host makes its own, and must never get the developer's.
EXCLUDED = frozenset(
    {".git", ".hg", ".svn", "__pycache__", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
)
COLLECTED = frozenset({"media", "staticfiles"})


def is_url(archive: str) -> bool:
    """Return whether the host downloads the archive."""
    return archive.startswith(("http://", "https://"))


def is_inside(path: str) -> bool:
    """Return whether *path* is relative and does not leave its directory."""
    return not os.path.isabs(path) and ".." not in path.split("/") and bool(re.fullmatch(r"[\w./-]*", path))


def is_excluded(directory: str, name: str, at_top: bool) -> bool:
    """Return whether *name* is not part of the source."""
    path = os.path.join(directory, name)
    if name in EXCLUDED or name.startswith("db.sqlite3") or name.endswith((".pyc", ".swp")):
        return True
    if os.path.exists(os.path.join(path, "pyvenv.cfg")):
        return True
    # A Django app can have the name `media`: then the directory contains code.
    return (
        at_top and name in COLLECTED and os.path.isdir(path) and not os.path.exists(os.path.join(path, "__init__.py"))
    )


def files(directory: str, project: str = "") -> Iterator[str]:
    """Yield the relative paths of the files of the source in a stable order."""
    tops = {os.path.normpath(directory), os.path.normpath(os.path.join(directory, project))}
    for path, directories, names in os.walk(directory):
        at_top = os.path.normpath(path) in tops
        links = [name for name in directories if os.path.islink(os.path.join(path, name))]
        directories[:] = sorted(
            name for name in directories if name not in links and not is_excluded(path, name, at_top)
        )
        for name in sorted([*names, *links]):
            if not is_excluded(path, name, at_top):
                yield os.path.relpath(os.path.join(path, name), directory)


def directory_revision(directory: str, project: str = "") -> str:
    """Hash names, contents, link targets and executable bits, but not times, which a checkout changes."""
    found = hashlib.sha256()
    for name in files(directory, project):
        path = os.path.join(directory, name)
        if os.path.islink(path):
            kind, content = "link", os.readlink(path).encode()
        else:
            kind = "program" if os.stat(path).st_mode & 0o100 else "file"
            with open(path, "rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
        found.update(f"{kind} {len(name)} {name} {len(content)} ".encode() + content)
    return found.hexdigest()


def revision(source: Mapping[str, Any]) -> str:
    """Return the revision of a source; empty for git, which the host resolves."""
    if source.get("directory"):
        return directory_revision(source["directory"], source.get("subdirectory") or "")
    if source.get("pypi"):
        return hashlib.sha256(source["pypi"].encode()).hexdigest()
    archive = source.get("archive") or ""
    if is_url(archive):
        return str(source["checksum"]).partition(":")[2].lower()
    if archive:
        with open(archive, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return ""


def pack(directory: str, target: str, project: str = "") -> None:
    """Pack the source into one compressed archive."""
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for name in files(directory, project):
            archive.add(os.path.join(directory, name), arcname=name, recursive=False)


def split_credentials(url: str) -> tuple[str, str]:
    """Split user and password from an http(s) URL. Other URLs keep them: `ssh://git@host` needs its user."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return url, ""
    credentials, _at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=host)), unquote(credentials)
