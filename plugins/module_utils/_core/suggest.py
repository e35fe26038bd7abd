# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words the refusal of an unknown name: the nearest known one, or all of them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def unknown(name: str, known: Sequence[str], kind: str = "key") -> str:
    """The refusal of *name*: with the name in *known* that is probably meant, or with all of *known*."""
    nearest = difflib.get_close_matches(str(name), known, n=1)
    return f"unknown {kind} '{name}'" + (
        f": did you mean '{nearest[0]}'?" if nearest else f". Known: {', '.join(sorted(known))}."
    )
