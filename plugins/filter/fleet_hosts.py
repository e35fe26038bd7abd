# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that lists the hosts that serve an app together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ansible.errors import AnsibleFilterError


def fleet_hosts(hosts: object, groups: Mapping[str, list[str]], app: str) -> list[str]:
    """Return the hosts that *hosts* of an app names, in the order of the inventory; none if the option is empty."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import hosts_of

    try:
        return hosts_of({"hosts": hosts}, groups, f"App '{app}'") or []
    except ValueError as error:
        raise AnsibleFilterError(f"Refused, nothing was changed. {error}") from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"fleet_hosts": fleet_hosts}
