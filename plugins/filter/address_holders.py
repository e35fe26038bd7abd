# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that says which hosts have a shared address now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence


def address_holders(
    addresses: Iterable[str], links_of: Mapping[str, Sequence[Mapping[str, object]]]
) -> dict[str, list[str]]:
    """Return by address the hosts that have it; *links_of* are the interfaces of each host."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.virtual_addresses import holders

    return holders(addresses, links_of)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"address_holders": address_holders}
