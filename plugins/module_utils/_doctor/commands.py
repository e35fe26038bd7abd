# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands of remedies, which an operator types as root, and values in them that an app or a visitor chose."""

from __future__ import annotations

import os
import re
import stat
from shlex import quote

# Longer words might be cut where a finding is (finding.LONGEST).
LONGEST = 500
# Bytes of a body. A visitor writes any Content-Length, an app any setting.
LARGEST_BODY = 1024**3
PLAIN = re.compile(r"[\w./@+:~%\[\]-]+", re.ASCII)


def command(*words: str) -> str:
    """The command with these words, quoted for a shell and in backticks; empty if one of them cannot be shown so."""
    return f"`{' '.join(map(quote, words))}`" if all(map(is_showable, words)) else ""


def is_showable(word: str) -> bool:
    """Whether a finding shows *word* as it is, and it does not look like the end of a command."""
    return word.isprintable() and "`" not in word and len(word) <= LONGEST


def is_plain(value: str) -> bool:
    """Whether *value*, a path or an address, means the same in nginx's configuration, YAML and a shell."""
    return PLAIN.fullmatch(value) is not None and len(value) <= LONGEST


def named(text: str) -> str:
    """*text* in a sentence: in quotes, escaped, and without backticks, which mark commands."""
    return ascii(text[:LONGEST]).replace("`", "\\x60") if not is_showable(text) else quote(text)


def is_fixed(path: str) -> bool:
    """Whether only root can put another file in the place of *path*, a path without links.

    Only then does a command that root types change this file. Otherwise it may follow a link to any file.
    """
    while path != "/":
        directory = os.path.dirname(path)
        above, entry = os.stat(directory), os.lstat(path)
        others = stat.S_IWOTH if above.st_gid == 0 else stat.S_IWOTH | stat.S_IWGRP
        # In /tmp, others cannot rename root's files.
        is_kept = above.st_mode & stat.S_ISVTX and entry.st_uid in (0, os.geteuid())
        if above.st_uid not in (0, os.geteuid()) or (above.st_mode & others and not is_kept):
            return False
        path = directory
    return True


def body_size(size: int) -> str:
    """The value of client_max_body_size for a body of *size* bytes; empty for more than a remedy proposes."""
    return f"{-(-size // 1024**2)}m" if size <= LARGEST_BODY else ""
