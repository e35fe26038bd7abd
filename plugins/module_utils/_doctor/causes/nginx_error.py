# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx itself answers with 500 or above, without an application."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """A `return 503`, as the option `maintenance` writes it, or another error."""
    if visit.pass_directive or visit.status < 500:
        return None
    given, location = visit.location.own("return"), visit.location
    source = f" by '{' '.join((given.name, *given.args))}' ({given.where})" if given else f" ({location.where})"
    cause = f"nginx itself answers {visit.status} to {visit.request.plain_path}{source}, without the application"
    remedy = f"Correct {location.where}."
    if visit.status == 503:
        remedy = "If the maintenance is over, set 'maintenance: false' for the site, or remove that line."
    return Finding(visit.request.site, f"{cause}.", remedy)
