# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that works out what keepalived of a host needs to share addresses with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ansible.errors import AnsibleFilterError

if TYPE_CHECKING:
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import Groups


def virtual_addresses(
    links: Sequence[Mapping[str, object]],
    host: str,
    groups: Groups,
    hostvars: Mapping[str, object],
    interface: str = "",
) -> dict[str, object]:
    """Return the settings of keepalived on *host*, which has the interfaces *links*."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet import virtual_addresses as fleet

    try:
        return fleet.virtual_addresses(host, groups, hostvars, links, interface)
    except ValueError as error:
        said = str(error)
        raise AnsibleFilterError(said if "Nothing was changed" in said else f"{said} Nothing was changed.") from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"virtual_addresses": virtual_addresses}
