# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read nginx's configuration into a tree: each directive with its file and line, with includes followed."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet import TOKEN

LIMIT = 64 * 1024 * 1024  # bytes of a file
# What nginx makes of a backslash before these (ngx_conf_read_token); before anything else it stays.
ESCAPED = re.compile(r"\\([\"'\\trn])")
CONTROL = {"t": "\t", "r": "\r", "n": "\n"}
# Lua has quotes and comments of its own, in which a brace is none.
LUA = re.compile(r"""--[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{}]""", re.DOTALL)

# A block with more directives has an index by name: each site of a host asks the block of http, which has all servers.
INDEXED_LENGTH = 64


@dataclass(eq=False, slots=True)
class Directive:
    """A directive, and what stands in its block."""

    name: str
    args: tuple[str, ...] = ()
    path: str = ""
    line: int = 0
    parent: Directive | None = field(default=None, repr=False)
    block: list[Directive] = field(default_factory=list, repr=False)
    # The index, and the length of the block when it was made.
    _index: dict[str, list[Directive]] | None = field(default=None, init=False, repr=False)
    _indexed: int = field(default=0, init=False, repr=False)

    @property
    def where(self) -> str:
        """Its file and line."""
        return f"{self.path}:{self.line}"

    def children(self, name: str) -> list[Directive]:
        """The directives called *name* in its block."""
        if len(self.block) <= INDEXED_LENGTH:
            return [directive for directive in self.block if directive.name == name]
        index = self._index
        if index is None or self._indexed != len(self.block):
            index = {}
            for directive in self.block:
                index.setdefault(directive.name, []).append(directive)
            # Another thread sees a complete index, or makes its own.
            self._index, self._indexed = index, len(self.block)
        return list(index.get(name, ()))

    def own(self, name: str) -> Directive | None:
        """The directive called *name* in its block, which is not inherited: alias, proxy_pass."""
        return next(iter(self.children(name)), None)

    def inherited(self, name: str) -> Directive | None:
        """The directive called *name* that is in force in its block."""
        return self.own(name) or (self.parent.inherited(name) if self.parent else None)

    def all(self) -> Iterator[Directive]:
        """All directives in its block and in the blocks inside."""
        for directive in self.block:
            yield directive
            yield from directive.all()

    def below(self, name: str) -> Iterator[Directive]:
        """All directives called *name* in its block and in the blocks inside."""
        return (directive for directive in self.all() if directive.name == name)


def read(conf_path: str) -> Directive:
    """The configuration whose main file is *conf_path*. What nginx would refuse to read is left out."""
    main = Directive("main", path=conf_path)
    _Reader(os.path.dirname(conf_path)).read(conf_path, main)
    return main


def unquoted(word: str) -> str:
    """What nginx takes a word of a configuration for."""
    if word[0] in "\"'":
        word = word[1:-1]
    return ESCAPED.sub(lambda escape: CONTROL.get(escape[1], escape[1]), word)


class _Reader:
    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.reading: list[str] = []

    def read(self, path: str, top: Directive) -> None:
        """Add what the file at *path* says to the block of *top*."""
        try:
            text = untrusted.read(path, LIMIT, follow=True)
        except OSError:
            return
        if path in self.reading:
            return  # nginx would go on until it has no more files to open
        self.reading.append(path)
        block, position, line, begun = top, 0, 1, 1
        words: list[str] = []
        while token := TOKEN.match(text, position):
            if token["word"]:
                begun = begun if words else line
                words.append(unquoted(token["word"]))
            elif token["mark"] == "}":
                if block is top or block.parent is None:
                    break
                block = block.parent
            elif token["mark"] and words:
                directive = Directive(words[0], tuple(words[1:]), path, begun, block)
                words = []
                if directive.name == "include" and token["mark"] == ";":
                    self._include(directive, block)
                else:
                    block.block.append(directive)
                    block = directive if token["mark"] == "{" else block
            line += text.count("\n", position, token.end())
            position = token.end()
            if token["mark"] == "{" and block.name.endswith("_by_lua_block"):
                end = _closing(text, position)
                line += text.count("\n", position, end)
                position = end
        self.reading.pop()

    def _include(self, directive: Directive, block: Directive) -> None:
        for pattern in directive.args:
            for path in sorted(glob.glob(os.path.join(self.directory, pattern))):
                self.read(path, block)


def _closing(text: str, position: int) -> int:
    """Where the brace stands that closes the block of Lua which begins before *position*."""
    depth = 1
    for token in LUA.finditer(text, position):
        depth += {"{": 1, "}": -1}.get(token.group(), 0)
        if not depth:
            return token.start()
    return len(text)
