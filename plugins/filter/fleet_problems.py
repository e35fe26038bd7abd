# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that says why a deployment to several hosts ends after a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def fleet_problems(results: Mapping[str, Any], app: str, step: str, required: Sequence[str]) -> list[str]:
    """Return the lines of the refusal; none if the *required* hosts have ended the *step*."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.steps import problems

    return problems(results, app, step, required)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"fleet_problems": fleet_problems}
