# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that says what keeps web hosts from being drained or brought back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import fleet_drain


def drain_problems(
    plan: fleet_drain.Plan,
    found: Mapping[str, Any],
    others: Sequence[Any],
    balancers: Sequence[Any],
    back: bool = False,
    reboot: bool = False,
) -> list[str]:
    """Return what keeps the *plan* from being carried out; *back* if the hosts are to serve again."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import fleet_drain

    return fleet_drain.problems(plan, found, others, balancers, back=back, reboot=reboot)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"drain_problems": drain_problems}
