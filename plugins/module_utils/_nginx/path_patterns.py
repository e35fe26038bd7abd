# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognise a pattern where a path is meant: nginx would compare it as it is, and its rules would protect nothing."""

from __future__ import annotations

import re

# A wildcard of a shell, a converter or a group of Django's path() and re_path(), or what only regular expressions have.
# RFC 3986 allows '*', '(' and ')' in a path. A single pair of parentheses is no pattern: /wiki/Python_(language)/.
PATTERN = re.compile(
    r"""
      \*
    | <[^</>]*>
    | /\^
    | \(\? | \([^()/]*\|[^()/]*\)
    | \\[AbBdDsSwWZ.]
    | \[[^\[\]/]+\][+?{]
    | \.[+?]
    """,
    re.VERBOSE,
)


def check_no_pattern(path: str) -> None:
    """Refuse *path* if it looks like a pattern; raises ValueError with the end of a sentence."""
    found = PATTERN.search(path)
    if not found:
        return
    base = path[: path.rfind("/", 0, found.start() + 1) + 1]
    remedy = (
        f"write '{base}', which includes all paths below it, or " if base.strip("/") else "write out the paths, or "
    )
    raise ValueError(
        f"contains '{found.group()}' of a pattern, but a path stands for itself, and nginx would compare it as it is: "
        f"{remedy}use a location with a regular expression in 'snippet'"
    )
