# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directive by which nginx itself refuses the path: return, internal, deny."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.files import refusing_rule
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive


def explain(visit: Visit) -> Finding | None:
    """The directive, for a page that the operator named: on other pages it is intended."""
    rule = _rule(visit)
    if rule is None or not visit.is_target:
        return None
    path, words = visit.request.decoded_path, " ".join((rule.name, *rule.args))
    place = " ".join(visit.location.args)
    cause = f"nginx itself answers {visit.status} to {path}: location {place} has '{words}' ({rule.where})"
    if rule.name == "internal":
        remedy = "Only the application can have nginx send this file (X-Accel-Redirect): request the application's URL."
    else:
        remedy = f"If visitors are meant to get {path}, change {rule.where}; otherwise request another path."
    return Finding(visit.request.site, f"{cause}.", remedy)


def _rule(visit: Visit) -> Directive | None:
    if visit.place:
        return refusing_rule(visit.location)
    # Of the rules, only deny keeps a request from the application.
    return visit.location.inherited("deny") if visit.pass_directive and visit.status == 403 else None
