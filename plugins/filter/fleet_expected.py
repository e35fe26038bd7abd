# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that finds the releases which the balancers of an app are to expect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def fleet_expected(served: Sequence[Any], outside: Sequence[Any], app: str) -> str:
    """Return the releases that the hosts of *app* serve, those *outside* of the run as well, with ``+`` between."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.releases import expected

    return expected(served, outside, app)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"fleet_expected": fleet_expected}
