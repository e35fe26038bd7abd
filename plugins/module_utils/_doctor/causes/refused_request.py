# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directive by which nginx itself refuses the path: return, internal, deny."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import access, places, rule_places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.files import refusing_rule
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

# The file with what all sites of Gatehouse share (templates/server.conf.j2).
SHARED = "server.conf"


def explain(visit: Visit) -> Finding | None:
    """The directive, for a page that the operator named: on other pages it is intended."""
    rule = _rule(visit)
    if rule is None or not visit.is_target:
        return None
    path = visit.request.decoded_path
    words = access.described(rule) if rule.name == "deny" else f"'{' '.join((rule.name, *rule.args))}'"
    place = " ".join(visit.location.args)
    cause = f"nginx itself answers {visit.status} to {path}: location {place} has {words} ({rule.where})"
    if rule.name == "internal":
        remedy = "Only the application can have nginx send this file (X-Accel-Redirect): request the application's URL."
    elif visit.host.is_managed(rule):
        remedy = f"{_in_inventory(visit, rule, path)}; otherwise request another path."
    else:
        remedy = f"If visitors are meant to get {path}, change {rule.where}; otherwise request another path."
    return Finding(visit.request.site, f"{cause}.", remedy)


def _in_inventory(visit: Visit, rule: Directive, path: str) -> str:
    if rule.name == "deny":
        change = rule_places.change(visit.host, visit.location, rule, access.option(rule))
        return f"If visitors are meant to get {path}, {change}"
    if os.path.basename(rule.path) == SHARED:
        return (
            "Gatehouse publishes no file with a part that begins with '.', except below /.well-known/: rename the file"
        )
    return f"If visitors are meant to get {path}, change {places.in_inventory(rule, 'snippet')}"


def _rule(visit: Visit) -> Directive | None:
    if visit.place:
        return refusing_rule(visit.location, visit.answer.client)
    # Of the rules, only deny keeps a request from the application.
    is_refusal = visit.pass_directive is not None and visit.status == 403
    return access.refusing(visit.location, visit.answer.client) if is_refusal else None
