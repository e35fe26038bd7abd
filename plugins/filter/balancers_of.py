# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that lists the balancers of an app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ansible.errors import AnsibleFilterError


def balancers_of(
    sites: Iterable[object], app: str, groups: Mapping[str, list[str]], members: Iterable[str]
) -> list[str]:
    """Return the hosts of the sites that serve *app* without those that have it, *members*. Sites may be unchecked."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import hosts_of
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.mounts import applications, present

    try:
        given = [
            hosts_of(site, groups, f"django_sites: site '{site.get('name')}'") or []
            for site in present(sites)
            if app in applications(site).values()
        ]
    except ValueError as error:
        raise AnsibleFilterError(f"Refused, nothing was changed. {error}") from None
    own = set(members)
    return list(dict.fromkeys(host for hosts in given for host in hosts if host not in own))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"balancers_of": balancers_of}
