# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that chooses the numeric ID of an app's user for all of its hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def fleet_user_number(answers: Mapping[str, Any], app: str) -> dict[str, object]:
    """Return the ID for hosts without the user of *app*, from what module django_users has returned on each host.

    The key `refused` has the reason if there can be none.
    """
    # A host that failed or could not be reached has returned nothing.
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.users import user_number

    known = {host: one if "taken" in one and one.get("app") == app else {} for host, one in answers.items()}
    try:
        return {"number": user_number(known, app), "refused": ""}
    except ValueError as error:
        return {"number": 0, "refused": str(error)}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"fleet_user_number": fleet_user_number}
