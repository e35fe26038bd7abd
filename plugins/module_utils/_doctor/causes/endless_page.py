# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A page that begins and does not end: its application, or a server behind it, sends it very slowly."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """The status, and what arrived. Visitors see an unfinished page, and each one keeps a worker busy."""
    if not visit.answer.is_unfinished:
        return None
    who = visit.application if visit.pass_directive else "nginx"
    cause = f"{who[0].upper()}{who[1:]} answers {visit.status} to {visit.request.plain_path}, but the page did not end"
    seconds, count = visit.answer.ended - visit.answer.began, len(visit.answer.body)
    cause = f"{cause} within {seconds:.0f} seconds, the doctor's limit for a site; {count} bytes"
    remedy = f"Find out what the view waits for while it sends the page: {evidence.log_command(visit)}."
    return Finding(visit.request.site, f"{cause} arrived ({visit.location.where}).", remedy)
