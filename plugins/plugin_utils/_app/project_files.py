# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the files of a source on the controller that say which versions of Python the project requires."""

from __future__ import annotations

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO, Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.project_python import (
    Requirement,
    paths_of,
    requirements,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source import is_url

MAX_BYTES = 32 << 20
# zipfile raises RuntimeError for an encrypted file, and NotImplementedError for a method that it does not know.
DAMAGED = (
    *(OSError, EOFError, RuntimeError, NotImplementedError),
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
Open = Callable[[str], "IO[bytes] | None"]


def required_pythons(params: Mapping[str, Any]) -> list[Requirement]:
    """Return the requirements of a directory or an archive on the controller; none if the host fetches the source.

    *params* are the options. Their `files` replace files of the source. Raises ValueError for an invalid file.
    """
    source, listed = params["source"], params["requirements_file"]
    project = str(source.get("subdirectory") or "")
    texts = {os.path.normpath(os.path.join(project, name)): str(text) for name, text in params["files"].items()}
    try:
        with _reader(source) as open_file:
            for path in paths_of(project, listed):
                file = open_file(path) if path not in texts else None
                if file is not None:
                    with file:
                        texts[path] = file.read(MAX_BYTES).decode("utf-8", errors="replace")
    except DAMAGED as error:
        place = source.get("archive") or source.get("directory")
        raise ValueError(f"source: '{place}' cannot be read: {error}. Nothing was changed.") from error
    return requirements(texts, project, listed)


def _reader(source: Mapping[str, Any]) -> AbstractContextManager[Open]:
    """Return a context with a function that opens a path of the source, or returns None if that is no file."""
    archive = str(source.get("archive") or "")
    if source.get("directory"):
        return nullcontext(lambda path: _open(os.path.join(source["directory"], path)))
    return nullcontext(lambda _path: None) if not archive or is_url(archive) else _opened(archive)


def _open(path: str) -> IO[bytes] | None:
    return open(path, "rb") if os.path.isfile(path) else None


@contextmanager
def _opened(archive: str) -> Iterator[Open]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            names = {_plain(one.filename): one for one in zipped.infolist() if not one.is_dir()}
            top = _top(names)
            yield lambda path: zipped.open(names[top + path]) if top + path in names else None
    else:
        with tarfile.open(archive) as packed:
            members = {_plain(one.name): one for one in packed if one.isfile()}
            above = _top(members)
            yield lambda path: packed.extractfile(members[above + path]) if above + path in members else None


def _plain(name: str) -> str:
    return os.path.normpath(name).lstrip("/")


def _top(names: Mapping[str, Any]) -> str:
    """Return the single top directory that release archives often have, with a slash; it is no part of the source."""
    tops = {name.partition("/")[0] for name in names}
    return f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in names) else ""
