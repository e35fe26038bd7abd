# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Suggest a known name for an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def unknown(name: str, known: Sequence[str], kind: str = "key") -> str:
    """The message for an unknown name, with the closest known one. It ends with a full stop or a question mark."""
    nearest = difflib.get_close_matches(str(name), known)
    # Letters that have changed places.
    nearest.sort(key=lambda one: sorted(one) != sorted(str(name)))
    return f"unknown {kind} '{name}'" + (
        f": did you mean '{nearest[0]}'?" if nearest else f". Known: {', '.join(sorted(known))}."
    )
