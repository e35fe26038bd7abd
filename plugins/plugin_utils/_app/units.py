# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory says of a unit, in systemd's own writing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

# The paths that an inventory gives come in addition: without its own data no app works.
ADDED = ("ReadWritePaths",)


def quote(word: str) -> str:
    """*word* for ExecStart: systemd would take `%` for a specifier and `$` for one of its variables."""
    for character, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(character, written)
    return f'"{word}"'


def command_line(command: str) -> str:
    """*command* for ExecStart: the words that a shell would make of it, each of which means what it says."""
    return " ".join(quote(word) for word in shlex.split(command))


def directives(profile: Mapping[str, Any], changes: Mapping[str, Any]) -> list[str]:
    """The lines of *profile*, with *changes* in the place of its own values."""
    merged = dict(profile)
    for name, value in changes.items():
        merged[name] = [*values(merged.get(name)), *values(value)] if name in ADDED else value
    return [f"{name}={value}" for name, given in merged.items() for value in values(given)]


def values(given: Any) -> Iterator[str]:
    """A directive may be written more than once: each value of a list is a line of its own."""
    for value in given if isinstance(given, list) else [given]:
        if isinstance(value, bool):
            yield "yes" if value else "no"
        elif value is not None:
            yield str(value)
