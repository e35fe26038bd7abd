# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Types of Django's objects, for type checks of programs that a project's Python runs. Nothing imports it there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Cursor(Protocol):
    """A cursor of Django or of sqlite3 (PEP 249)."""

    def execute(self, sql: str, params: Sequence[object] = ..., /) -> object:
        """Run a statement."""

    def fetchone(self) -> Any:
        """Return a row."""

    def fetchall(self) -> list[Any]:
        """Return all rows."""


class Connection(Protocol):
    """A database connection of Django, as far as this program uses it."""

    vendor: str
    settings_dict: dict[str, Any]
    client: Any
    ops: Any

    def cursor(self) -> AbstractContextManager[Cursor]:
        """Open a cursor."""

    def close(self) -> None:
        """Close the connection."""
