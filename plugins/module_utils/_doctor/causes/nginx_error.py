# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx itself answers with 500 or above, without an application."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import evidence, places, rule_places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """A limit of requests, a `return 503` as the option `maintenance` writes it, or another error."""
    if visit.status < 500 or visit.is_unanswered:
        return None
    if visit.limit:
        return _limited(visit, *visit.limit) if visit.is_failing else None
    if not visit.is_by_nginx and visit.pass_directive:
        return None
    given, location = visit.location.own("return"), visit.location
    source = f" by '{' '.join((given.name, *given.args))}' ({given.where})" if given else f" ({location.where})"
    words = "" if given else evidence.nginx_words(visit)
    logged = f": its error log says {words}" if words else ""
    cause = (
        f"nginx itself answers {visit.status} to {visit.request.plain_path}{source}, without the application{logged}"
    )
    return Finding(visit.request.site, f"{cause}.", _remedy(visit))


def _limited(visit: Visit, name: str, zone: str) -> Finding:
    rule = visit.location.inherited(name)
    where = f" ({rule.where})" if rule else ""
    cause = f"nginx refuses {visit.request.plain_path} with {visit.status}: {name} of the zone {zone}{where} is used up"
    cause = f"{cause}, as its error log says. The limit counts by what its zone names, here the doctor's own address"
    remedy = "Wait, then ask again. If visitors meet the limit, raise its rate or burst"
    place = rule or visit.location
    if visit.host.is_managed(place):
        change = rule_places.change(visit.host, visit.location, rule, name)
        remedy = f"Wait, then ask again. If visitors meet the limit, {change}"
        return Finding(visit.request.site, f"{cause}.", f"{remedy}.")
    return Finding(visit.request.site, f"{cause}.", f"{remedy} in {place.where}, then {places.RELOAD}.")


def _remedy(visit: Visit) -> str:
    given, location = visit.location.own("return"), visit.location
    if visit.host.is_managed(location):
        if given and visit.status == 503:
            return f"If the maintenance is over, write {places.in_inventory(location, 'maintenance: false')}."
        return (
            "Run `ansible-playbook gatehouse.django.site`, which writes this file, and look for a snippet of the site."
        )
    if given:
        words = " ".join((given.name, *given.args))
        return f"If visitors are meant to get this page, remove '{words}' from {given.where}."
    return f"Correct {location.where}."
