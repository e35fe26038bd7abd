# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that works out how the hosts of an app exchange its database, which is on another host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def exchange_plan(
    results: Mapping[str, Any], members: Sequence[str], app: str, is_check: bool = False, is_lost: bool = False
) -> dict[str, Any]:
    """Return what together() does for the *results* by host."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.exchange import together

    return together(results, members, app, is_check=is_check, is_lost=is_lost)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"exchange_plan": exchange_plan}
