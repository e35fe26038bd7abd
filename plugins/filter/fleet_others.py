# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that lists the hosts that would go on with another release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.steps import others


def fleet_others(results: Sequence[Any], app: str, revision: str) -> list[str]:
    """Return the hosts that serve another *revision* of the *app*, from the *results* of django_status there."""
    return others(results, app, revision)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Map the names of the filters to their functions."""
        return {"fleet_others": fleet_others}
