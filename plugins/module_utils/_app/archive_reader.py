# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read single files of an archive, without unpacking it.

The controller imports it. A host runs it as a program, `python3 -c <this text> ARCHIVE PATH...`: it needs only the
standard library. It then prints the texts by path in JSON.
"""

from __future__ import annotations

import json
import lzma
import os
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

MAX_BYTES = 32 << 20  # of one file
# zipfile raises RuntimeError for an encrypted file, and NotImplementedError for a method that it does not know.
DAMAGED = (
    *(OSError, EOFError, RuntimeError, NotImplementedError),
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
Open = Callable[[str], Any]  # a file of bytes, or None


def read(archive: str, paths: Sequence[str]) -> dict[str, str]:
    """Return the texts of those of *paths* that are files of *archive*; raise one of DAMAGED if it is not valid.

    The single top directory that release archives often have is no part of a path.
    """
    texts = {}
    with _opened(archive) as open_file:
        for path in paths:
            file = open_file(path)
            if file is not None:
                with file:
                    texts[path] = file.read(MAX_BYTES).decode("utf-8", errors="replace")
    return texts


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


def _top(names: Mapping[str, object]) -> str:
    tops = {name.partition("/")[0] for name in names}
    return f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in names) else ""


if __name__ == "__main__":
    try:
        json.dump(read(sys.argv[1], sys.argv[2:]), sys.stdout)
    except DAMAGED as problem:
        raise SystemExit(f"{type(problem).__name__}: {problem}") from None
