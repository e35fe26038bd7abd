# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that writes the entries of django_logs of several hosts as lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError


def log_lines(hosts: Mapping[str, Any], sort: str = "time") -> list[str]:
    """Return the entries by host as lines, sorted by C(time) or by C(source)."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._app import tables
    from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain

    try:
        return tables.log_lines(plain(hosts), sort)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"log_lines": log_lines}
