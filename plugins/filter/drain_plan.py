# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that plans how web hosts are drained or brought back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

if TYPE_CHECKING:
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import fleet_drain


def drain_plan(
    found: Mapping[str, Any], groups: Mapping[str, list[str]], hostvars: Mapping[str, Any]
) -> fleet_drain.Plan:
    """Return what playbook drain does with the hosts on which django_status has *found* apps."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import fleet_drain

    try:
        return fleet_drain.plan(found, groups, hostvars)
    except ValueError as error:
        raise AnsibleFilterError(f"Refused, nothing was changed. {error}") from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"drain_plan": drain_plan}
