# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the syntax of a snippet: nginx would report a wrong brace at the directives after the snippet."""

from __future__ import annotations

import re
from collections.abc import Iterator

# As nginx reads its configuration (ngx_conf_file.c, ngx_conf_read_token): a parameter is quoted, or goes on to white
# space, ';' or '{'; a '}' ends a block only where a parameter could begin, and '${' begins a variable. White space is
# these four characters; a no-break space is part of a word.
TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n]+ | \#[^\n]*)
    | (?P<mark>[;{}])
    | (?P<word>"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | (?!["'])(?:\\.|\$\{|[^ \t\r\n;{\\])+)
    """,
    re.VERBOSE | re.DOTALL,
)


def syntax_error(snippet: str) -> str | None:
    """The error in the braces, quotes or semicolons of *snippet*, in words; None without an error."""
    if re.search(r"_by_lua_block\b", snippet):
        return None  # Lua has other rules for braces and quotes
    position, depth, last = 0, 0, ";"
    while position < len(snippet):
        token = TOKEN.match(snippet, position)
        if not token:
            return "a quote is not closed"
        position = token.end()
        if token["space"]:
            continue
        last = token.group()
        depth += {"{": 1, "}": -1}.get(token["mark"] or "", 0)
        if depth < 0:
            return "it closes a block that it did not open: remove a '}'"
    if depth:
        return "a block is not closed: add '}'"
    return None if last in (";", "}") else f"it does not end with ';' or '}}', but with {last!r}"


def check_syntax(snippet: str | None, where: str, option: str = "snippet") -> None:
    """Raise ValueError for a *snippet* whose braces, quotes or semicolons would affect the text after it."""
    wrong = syntax_error(snippet or "")
    if wrong:
        raise ValueError(f"{where}: {option} is not valid on its own: {wrong}")


def directives(snippet: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The directives and blocks of *snippet* with their parameters, without what is inside of a block.

    The snippet must have passed ``syntax_error``. One with Lua gives nothing.
    """
    if re.search(r"_by_lua_block\b", snippet):
        return
    depth, words = 0, list[str]()
    for token in TOKEN.finditer(snippet):
        if token["word"]:
            words.append(token["word"].strip("\"'"))
        elif token["mark"]:
            if depth == 0 and words:
                yield words[0], tuple(words[1:])
            words = []
            depth += {"{": 1, "}": -1, ";": 0}[token["mark"]]


def may_have_regex_locations(snippet: str | None) -> bool:
    """Whether *snippet* has a location with a regular expression, or includes a file that may have one."""
    return re.search(r"\blocation\s+~|\binclude\b", snippet or "") is not None
