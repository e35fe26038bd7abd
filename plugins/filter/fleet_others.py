# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that lists the hosts that would go on with another release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def fleet_others(results: Sequence[Any], app: str, wanted: Sequence[Any]) -> list[str]:
    """Return the hosts that serve none of the releases *wanted* of the *app*, from what django_status found there."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.releases import others

    return others(results, app, wanted)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"fleet_others": fleet_others}
