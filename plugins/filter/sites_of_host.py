# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that works out which sites one host of the inventory has, and as what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

if TYPE_CHECKING:
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import Groups


def sites_of_host(sites: Iterable[Any], host: str, groups: Groups, hostvars: Mapping[str, Any]) -> list[Any]:
    """Return those of the inventory's *sites* that *host* has, for role django_site. The sites may be unchecked."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.fleet_sites import Fleet
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.fleet_sites import sites_of_host as of_host

    try:
        return of_host(list(sites), Fleet(host, groups, hostvars))
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"sites_of_host": sites_of_host}
