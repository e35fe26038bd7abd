# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that writes the results of django_doctor of several hosts as lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def doctor_lines(hosts: Mapping[str, Any], inventories: Sequence[str] = ()) -> list[str]:
    """Return the results by host as lines. *inventories* are those that commands have to name."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._app import diagnosis
    from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain

    return diagnosis.doctor_lines(plain(hosts), plain(inventories))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"doctor_lines": doctor_lines}
