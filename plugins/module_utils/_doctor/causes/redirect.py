# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redirects that never end, or end where nobody listens."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import target as urls
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import REDIRECTS, Visit, destination
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

SHOWN = 200  # characters of a Location
HEADER = 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")'


def explain(host: Host, steps: Visit) -> Finding | None:
    """Why a visitor is sent around, None where the last answer is a page."""
    request, answer = steps[-1]
    if not answer.location or not 300 < answer.status < 400:
        return None
    pages = [(step.scheme, step.host, step.path) for step, _answer in steps]
    server, location = urls.location_of(host, request)
    if server is None or location is None:
        return None
    location = sites.handler(server, location)
    passed = sites.passed_to(location)
    who = f"the app {sites.app_of(location)}" if sites.app_of(location) else "the application"
    who = who if passed else "nginx itself"
    if pages[-1] in pages[:-1] or len(steps) > REDIRECTS:
        first = pages.index(pages[-1]) if pages[-1] in pages[:-1] else 0
        circle = list(dict.fromkeys(step.url for step, _answer in steps[first:]))
        cause = f"{circle[0]} redirects for ever: {who} answers {answer.status}"
        cause += f" by way of {', '.join(circle[1:4])}" if len(circle) > 1 else " to the same URL"
        if passed:
            line = f"'proxy_set_header X-Forwarded-Proto $scheme;' in {location.where}"
            remedy = (
                f"If it redirects to HTTPS, it does not know that it is there: {HEADER} in the settings and {line}."
            )
            return Finding(request.site, f"{cause}.", remedy)
        given = _origin(location)
        where = (
            f"{' '.join((given.name, *given.args))}' in {given.where}" if given else f"redirect' in {location.where}"
        )
        return Finding(request.site, f"{cause}.", f"Take '{where} out, or let it lead to another URL.")
    target = destination(request, answer)
    if target is None:
        cause = f"{request.url} redirects to what is no URL, '{answer.location[:SHOWN]}': {who} answers {answer.status}"
        return Finding(request.site, f"{cause}.", "Correct the Location that it sends.")
    if (target.hostname or "") != request.name or urls.follow(host, target.geturl()):
        return None
    scheme = target.scheme.upper()
    cause = f"{request.url} redirects to {target.scheme}://{target.netloc}{target.path}: {who} answers {answer.status}"
    cause += f", and nginx serves {request.name} over {scheme} nowhere"
    if passed and target.scheme == "https":
        remedy = "Give the site TLS (tls: acme), or set SECURE_SSL_REDIRECT = False in the settings."
    elif passed:
        remedy = f"Tell the application that its visitors come over HTTPS: {HEADER} in the settings."
    else:
        remedy = f"Give the site a server for {scheme}, or take the redirect out of {location.where}."
    return Finding(request.site, f"{cause}.", remedy)


def _origin(location: Directive) -> Directive | None:
    block: Directive | None = location
    while block and block.name in ("location", "server", "if"):
        found = next((one for name in ("return", "rewrite") for one in block.below(name)), None)
        if found:
            return found
        block = block.parent
    return None
