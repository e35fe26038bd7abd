# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that says which peers of a keepalived.conf a run does not reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


def lost_peers(text: str, present: Iterable[str], hostvars: Mapping[str, object]) -> list[str]:
    """Return the addresses of the peers in *text* that no host of *present* has."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet import virtual_addresses

    return virtual_addresses.lost_peers(text, present, hostvars)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"lost_peers": lost_peers}
