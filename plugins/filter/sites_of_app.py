# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that selects the sites that serve an app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


def sites_of_app(sites: Iterable[object], app: str) -> list[object]:
    """Return those of *sites* that serve *app*, as their own one or below a prefix. The sites may be unchecked."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.mounts import applications

    return [site for site in sites if isinstance(site, Mapping) and app in applications(site).values()]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"sites_of_app": sites_of_app}
