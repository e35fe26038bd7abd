# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter django_app_problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.gatehouse.django.plugins.plugin_utils._app.options import problems


class FilterModule:
    """What the role asks before it touches a host."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters of this file."""
        return {"django_app_problems": problems}
