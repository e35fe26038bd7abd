# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that names the hosts of the inventory by their addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


def names_of_addresses(hosts: Iterable[str], variables: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Return the *hosts* by the address at which the others reach them; *variables* are those of each host."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.addresses import address_of

    return {address_of(variables[host], host): host for host in hosts}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"names_of_addresses": names_of_addresses}
