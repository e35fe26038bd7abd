# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that says which hosts of an app have built other static files than the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def fleet_static_names(records: Mapping[str, str], outside: Sequence[Any], app: str, step: str) -> list[str]:
    """Return the lines of the refusal; none if the files have the same names on all hosts."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.static_names import different

    return different(records, outside, app, step)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"fleet_static_names": fleet_static_names}
