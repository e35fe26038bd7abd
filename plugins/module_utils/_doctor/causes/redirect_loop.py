# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redirects that never end."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import sent_headers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.walk import MAX_REDIRECTS
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

HEADER = 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")'


def explain(visit: Visit) -> Finding | None:
    """A page that redirects to itself, perhaps by way of others, or too many redirects."""
    pages = [(step.request.scheme, step.request.host, step.request.path) for step in visit.steps]
    is_repeated = pages[-1] in pages[:-1]
    if not visit.answer.is_redirect or not (is_repeated or len(pages) > MAX_REDIRECTS):
        return None
    first = pages.index(pages[-1]) if is_repeated else 0
    circle = list(dict.fromkeys(step.request.url for step in visit.steps[first:]))
    way = f"by way of {', '.join(circle[1:4])}" if len(circle) > 1 else "to the same URL"
    who = visit.application if visit.pass_directive else "nginx itself"
    cause = f"{circle[0]} redirects in a loop: {who} answers {visit.status} {way}."
    return Finding(visit.request.site, cause, _remedy(visit))


def _remedy(visit: Visit) -> str:
    location = visit.location
    if visit.pass_directive:
        return f"If it redirects to HTTPS, it does not know that the visitor uses HTTPS: {scheme_remedy(visit)}"
    given = _redirecting_directive(location)
    if visit.host.is_managed(location):
        return f"Correct 'redirect_from' or the snippet in the entry of the site {places.site_name(location)}."
    if given:
        return f"Remove '{' '.join((given.name, *given.args))}' in {given.where}, or let it lead to another URL."
    return f"Remove the redirect in {location.where}, or let it lead to another URL."


def scheme_remedy(visit: Visit) -> str:
    """What lets Django know that a visitor uses HTTPS: a header of nginx that is not sent yet, and a setting."""
    sent = {name.lower(): value for name, value in sent_headers(visit.location)}
    if visit.host.is_managed(visit.location) or sent.get("x-forwarded-proto"):
        return f"write {HEADER} in the settings."
    line = f"'proxy_set_header X-Forwarded-Proto $scheme;' in {visit.location.where}"
    return f"write {HEADER} in the settings and {line}, then {places.RELOAD}."


def _redirecting_directive(location: Directive) -> Directive | None:
    block: Directive | None = location
    while block and block.name in ("location", "server", "if"):
        found = next((one for name in ("return", "rewrite") for one in block.below(name)), None)
        if found:
            return found
        block = block.parent
    return None
