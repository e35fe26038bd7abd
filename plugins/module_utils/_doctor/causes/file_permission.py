# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A permission that keeps nginx from a file."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.permissions import find_obstacle
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """The directory that nginx cannot enter, or the file that it cannot read."""
    obstacle = find_obstacle(visit.host, visit.file.path, "r") if visit.file else None
    if visit.file is None or obstacle is None:
        return None
    return Finding(visit.request.site, f"nginx cannot send {visit.file.path}: {obstacle.cause}.", obstacle.remedy)
