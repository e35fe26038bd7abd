# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that names the apps that sites serve."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def apps_of_sites(sites: Iterable[Any], elsewhere: bool = False) -> list[str]:
    """Return the names of the apps that *sites* serve, each once. The sites may be unchecked.

    With *elsewhere*, those on other hosts, which a balancer has in C(upstreams), are among them.
    """
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.mounts import applications, present

    names = [
        app
        for site in present(sites)
        for app in applications(site).values()
        if elsewhere or app not in (site.get("upstreams") or {})
    ]
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"apps_of_sites": apps_of_sites}
