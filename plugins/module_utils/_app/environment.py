# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render the environment of an app as a systemd EnvironmentFile."""

from __future__ import annotations

import re
from collections.abc import Mapping

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# systemd 252 drops an assignment with any control character except tab and newline, and only logs that.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def quote(value: str) -> str:
    """Quote *value* for an EnvironmentFile: a backslash escapes these four in double quotes; a newline is literal."""
    return '"' + re.sub(r'([\\"`$])', r"\\\1", value) + '"'


def render(environment: Mapping[str, str]) -> str:
    """Return the text of the file."""
    return "".join(f"{name}={quote(value)}\n" for name, value in sorted(environment.items()))
