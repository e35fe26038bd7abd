# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read requirements files and those that they include: which texts decide what is installed from them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.source import MAX_LIST_BYTES, read

# Known lines of a requirements file. Any other line can depend on files of the source that are not lists.
INCLUDED = re.compile(r"(?:-r|--requirement|-c|--constraint)[\s=]*([^\s=-]\S*)")
ADDRESS = r"(?:(?:git|hg|svn|bzr)\+)?(?:https?|ssh)://\S+"
# `foo.whl` is a file.
NAME = r"[A-Za-z0-9][\w.-]*(?<!\.whl)(?<!\.zip)(?<!\.tar)(?<!\.gz)(?<!\.tgz)(?<!\.bz2)(?<!\.xz)"
VERSION = r"\(?\s*[=<>!~][^@/;]*"
REQUIREMENT = re.compile(
    rf"(?:{NAME}\s*(?:\[[\w\s,.-]*\])?\s*(?:{VERSION}|@\s*{ADDRESS})?|{ADDRESS})\s*(?:;.*)?", re.DOTALL
)
OPTION = re.compile(
    r"--(?:pre|no-index|require-hashes|prefer-binary|(?:no-binary|only-binary|trusted-host)[\s=]+\S+)"
    rf"|(?:-i|-f|--index-url|--extra-index-url|--find-links)[\s=]*{ADDRESS}"
)
HASH = re.compile(r"\s--hash[\s=]+\w+:[0-9a-fA-F]+")
COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)


def chain(paths: Sequence[str], top: str) -> Iterator[tuple[str | None, list[str]]]:
    """Yield the text of each of the requirements files *paths* and of those that they include, with its lines.

    The text is None where a file is not in the source, and where all together would be longer than MAX_LIST_BYTES. A
    line has no comment and no hash, and single blanks.
    """
    todo, seen, left = list(paths), set(), MAX_LIST_BYTES
    while todo:
        directory, name = os.path.split(todo.pop())
        # A link in the source can give a file any number of paths.
        path = os.path.join(os.path.realpath(directory), name)
        if path in seen:
            continue
        seen.add(path)
        text = read(top, path)
        left -= len(text or "")
        if left < 0:
            text = None
        lines = []
        for line in COMMENT.sub("", text or "").replace("\\\n", "").splitlines():
            # Collapse blanks: the expressions would backtrack over each way to split them.
            words = " ".join(HASH.sub("", line).split())
            lines.append(words)
            if included := INCLUDED.fullmatch(words):
                todo.append(os.path.join(os.path.dirname(path), included[1]))
        yield text, lines


def has_hashes(path: str, top: str) -> bool:
    """Return whether a requirements file pins its packages with hashes."""
    return any(
        "--require-hashes" in lines or HASH.search(COMMENT.sub("", text or "").replace("\\\n", ""))
        for text, lines in chain([path], top)
    )


def requirements_texts(paths: Sequence[str], top: str) -> list[str] | None:
    """Return the texts of requirements files and their includes; None if a line can refer to the source."""
    texts: list[str] = []
    for text, lines in chain(paths, top):
        if text is None or not all(map(_is_known, lines)):
            return None
        texts.append(text)
    return texts


def _is_known(line: str) -> bool:
    return not line or any(known.fullmatch(line) for known in (INCLUDED, REQUIREMENT, OPTION))
