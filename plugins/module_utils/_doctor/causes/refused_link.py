# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A symbolic link that nginx does not follow, by the location's disable_symlinks."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import symlinks


def explain(visit: Visit) -> Finding | None:
    """The first link on the way to the file that the rule forbids."""
    rule = visit.location.inherited("disable_symlinks")
    modes = {nginx: option for option, nginx in symlinks.MODES.items()}
    if visit.file is None or rule is None or not rule.args or rule.args[0] not in modes:
        return None
    trusted = next((word.removeprefix("from=") for word in rule.args[1:] if word.startswith("from=")), "")
    link = symlinks.refused_link(visit.file.path, modes[rule.args[0]], trusted.rstrip("/"))
    if link is None:
        return None
    words = f"'disable_symlinks {' '.join(rule.args)}' ({rule.where})"
    cause = f"nginx does not follow {symlinks.described(link)}, on the way to {visit.file.path}, because of {words}."
    return Finding(visit.request.site, cause, symlinks.REMEDY)
