# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A path that nginx passes to the application, which does not have it."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """The operator named a path for which no location has a directory of files."""
    if visit.pass_directive is None or not visit.is_target or visit.status != 404:
        return None
    path, location = visit.request.plain_path, visit.location
    cause = f"nginx passes {path} to {visit.application} (location {' '.join(location.args)}, {location.where})"
    return Finding(
        visit.request.site,
        f"{cause}, which answers {visit.status}: no location with a directory of files has this path.",
        f"If {path} is one of its URLs, read its URLconf and its log. If it is a file, give its path a location with "
        "an alias, as 'static' of a site does.",
    )
