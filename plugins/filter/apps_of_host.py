# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that selects the apps of a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ansible.errors import AnsibleFilterError


def apps_of_host(
    apps: Sequence[object], host: str, groups: Mapping[str, list[str]], elsewhere: bool = False
) -> list[object]:
    """Return those of *apps* that are for *host*; those that are for other hosts instead, if *elsewhere*."""
    try:
        return [app for app in apps if _is_on(app, host, groups) != elsewhere]
    except ValueError as error:
        raise AnsibleFilterError(f"Refused, nothing was changed. {error}") from None


def _is_on(app: object, host: str, groups: Mapping[str, list[str]]) -> bool:
    # What is no app at all is refused where it is deployed.
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import is_on

    return not isinstance(app, Mapping) or is_on(app, host, groups, f"App '{app.get('name')}'")


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"apps_of_host": apps_of_host}
