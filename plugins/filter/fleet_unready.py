# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that says why a balancer, or a host that an app has left, must go on as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence


def fleet_unready(
    apps: Sequence[object],
    names: Sequence[str],
    left: Sequence[str],
    groups: Mapping[str, list[str]],
    alive: Sequence[str],
    play: Sequence[str],
) -> list[str]:
    """Return a line for each of the apps *names* that was not deployed on the hosts to which it belongs."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.steps import unready

    return unready(apps, names, left, dict(groups), alive, play)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"fleet_unready": fleet_unready}
