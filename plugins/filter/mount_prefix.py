# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that finds the path below which the sites of an inventory serve an app."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ansible.errors import AnsibleFilterError


def mount_prefix(sites: Iterable[object], app: str) -> str:
    """Return the prefix at which *sites* mount *app*, empty for an app that no site mounts."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.mounts import ROOT, prefix_of

    try:
        prefix = prefix_of(sites, app)
    except ValueError as error:
        raise AnsibleFilterError(f"django_sites: {error}. Nothing was changed.") from error
    return "" if prefix == ROOT else prefix


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"mount_prefix": mount_prefix}
