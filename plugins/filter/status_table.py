# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that writes the results of django_status of several hosts as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def status_table(hosts: Mapping[str, Any], missing: Sequence[str] = ()) -> list[str]:
    """Return the results by host as lines; the hosts *missing* gave none."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._app import tables
    from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain

    return tables.status_table(plain(hosts), plain(missing))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"status_table": status_table}
