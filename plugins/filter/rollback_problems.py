# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that says why a rollback of several hosts ends after a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def rollback_problems(
    results: Mapping[str, Any], app: str, step: str, required: Sequence[str], outside: Sequence[Any] = ()
) -> list[str]:
    """Return the lines of the refusal; none if the *required* hosts have ended the *step* with the same release."""
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.rollback import problems

    return problems(results, app, step, required, outside)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"rollback_problems": rollback_problems}
