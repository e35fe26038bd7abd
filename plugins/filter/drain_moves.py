# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that chooses where the processes with `run_on: one` of drained hosts run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import fleet_drain, fleet_moves


def drain_moves(
    plan: fleet_drain.Plan,
    found: Mapping[str, Any],
    others: Sequence[Any],
    balancers: Sequence[Any],
    back: bool = False,
) -> fleet_moves.Moves:
    """Return by app the host that starts them, and warnings; *back* if the hosts of the *plan* serve again."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import fleet_moves

    return fleet_moves.moves(plan, found, others, balancers, back=back)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"drain_moves": drain_moves}
