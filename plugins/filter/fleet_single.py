# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that chooses the host for what runs on one host of an app."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def fleet_single(
    results: Mapping[str, Any], outside: Sequence[Any], app: str, dumping: Sequence[str] | None = None
) -> str:
    """Return the host where it runs already, otherwise the first one; empty if it may run *outside* of the play."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.steps import single

    return single(results, outside, app, dumping)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"fleet_single": fleet_single}
