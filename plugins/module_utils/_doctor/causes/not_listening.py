# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx refuses the connection: it does not listen where its configuration says."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Problem
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """A port of the configuration that nginx has not opened."""
    if visit.answer.problem is not Problem.REFUSED:
        return None
    request = visit.request
    cause = f"nginx runs but does not listen on {request.address}:{request.port}, as {visit.server.where} requires"
    return Finding(
        request.site, f"{cause}: it has not read this configuration.", "`nginx -t && systemctl reload nginx`"
    )
