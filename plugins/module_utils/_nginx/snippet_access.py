# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warn about a location of a snippet that answers requests which `allow`, `deny` or `basic_auth` of a path are for.

nginx takes a location with a regular expression before the longest prefix, and a longer prefix before a shorter one.
The rules of a site are in its server block, and such a location inherits them; those of a path are in its location.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import rules
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet import TOKEN

# With one of these the location refuses requests itself, or is not for visitors.
OWN_RULE = ("allow", "deny", "auth_basic", "auth_request", "return", "internal")
# What is literal at the beginning of a regular expression.
LITERAL = re.compile(r"\^((?:[\w/@,;=~%-]|\\[./-])*)")


def warnings(site: Site) -> list[str]:
    """A sentence for each location of the snippet of *site* that is a way around access rules of a path."""
    found = []
    for args, names in _locations(site["snippet"] or ""):
        if names & set(OWN_RULE):
            continue
        around = [
            f"'{location['path']}' ({', '.join(given)})"
            for location in site["locations"]
            if (given := [option for option in rules.ACCESS if location[option]])
            and not location["internal"]
            and _may_match(args, location["path"])
        ]
        if around:
            found.append(
                f"site '{site['name']}': the location '{' '.join(args)}' of its snippet can answer requests for paths "
                f"below {' and '.join(around)}, whose rules do not hold there: write them in that location as well, "
                "with nginx's directives allow, deny and auth_basic"
            )
    return found


def _locations(snippet: str) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """The outer locations of *snippet*, which passed ``syntax_error``: parameters, and the directives inside."""
    if re.search(r"_by_lua_block\b", snippet):
        return
    depth, words, outer, inside = 0, list[str](), list[str](), set[str]()
    for token in TOKEN.finditer(snippet):
        if token["word"]:
            words.append(token["word"].strip("\"'"))
        elif token["mark"]:
            if token["mark"] == "{" and depth == 0:
                outer, inside = words, set()
            elif words:
                inside.add(words[0])
            words = []
            depth += {"{": 1, "}": -1, ";": 0}[token["mark"]]
            if token["mark"] == "}" and depth == 0 and outer[:1] == ["location"] and outer[1:]:
                yield tuple(outer[1:]), inside


def _may_match(args: tuple[str, ...], path: str) -> bool:
    """Whether a location with *args* can be for a request below *path*. A regular expression counts if in doubt."""
    base = f"{path.rstrip('/')}/"
    text = args[-1]
    if len(args) > 1 and args[0] in ("~", "~*"):
        literal = LITERAL.match(text)
        begin = re.sub(r"\\(.)", r"\1", literal[1]) if literal else ""
        # The last character may be optional, or one of several.
        begin = begin[:-1] if literal and text[literal.end() : literal.end() + 1] in ("*", "?", "{") else begin
        # With another letter case it may be the same path.
        begin, base = (begin.lower(), base.lower()) if args[0] == "~*" else (begin, base)
        return begin.startswith(base) or base.startswith(begin)
    if text.startswith("@"):
        return False
    return f"{text.rstrip('/')}/".startswith(base) or (len(args) == 1 and text.startswith(base))
