# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that chooses the host that migrates the databases of an app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def fleet_migrating(results: Mapping[str, Any], dumps: Mapping[str, int]) -> str:
    """Return the host of those that have built the release that has the newest pg_dump; empty if none has built it."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.steps import migrating

    return migrating(results, dumps)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"fleet_migrating": fleet_migrating}
