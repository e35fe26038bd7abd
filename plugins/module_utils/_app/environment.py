# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of an app as systemd reads it from a file."""

from __future__ import annotations

import re
from collections.abc import Mapping

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# systemd 252 drops an assignment that holds another control character than these two, and tells only the journal.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def quote(value: str) -> str:
    """*value* for an EnvironmentFile: inside double quotes a backslash protects these four, and a newline is itself."""
    return '"' + re.sub(r'([\\"`$])', r"\\\1", value) + '"'


def render(environment: Mapping[str, str]) -> str:
    """The lines of the file."""
    return "".join(f"{name}={quote(value)}\n" for name, value in sorted(environment.items()))
