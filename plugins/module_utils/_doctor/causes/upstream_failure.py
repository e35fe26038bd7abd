# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that takes the connection and then fails, for a reason that no other cause knows."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """What nginx's error log says about this request."""
    if not visit.is_unanswered or visit.pass_directive is None:
        return None
    lines = [entry for entry in visit.log_lines if entry.level != "warn"]
    words = f"nginx's error log says: {lines[-1].text}" if lines else "nginx's error log does not mention it"
    target = " ".join(visit.pass_directive.args)
    cause = f"The application behind {target} ({visit.pass_directive.where}) takes the connection and then fails"
    return Finding(visit.request.site, f"{cause}: {words}.", f"Read {evidence.log_command(visit)}.")
