# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that are known, and those that are near to them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def unknown(name: str, known: Sequence[str], kind: str = "key") -> str:
    """A name that nobody knows, and the one that was probably meant."""
    nearest = difflib.get_close_matches(str(name), known, n=1)
    return f"unknown {kind} '{name}'" + (
        f": did you mean '{nearest[0]}'?" if nearest else f". Known: {', '.join(sorted(known))}."
    )
