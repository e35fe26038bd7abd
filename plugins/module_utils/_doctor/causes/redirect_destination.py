# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A redirect to a URL that cannot work."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import sent_headers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.redirect_loop import scheme_remedy
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import DEFAULT_PORTS, destination
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import is_url
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

SHOWN = 200  # characters of a Location


def explain(visit: Visit) -> Finding | None:
    """A Location that is not a URL of a page, or a scheme over which nginx does not serve the name."""
    request, answer = visit.request, visit.answer
    if not answer.is_redirect:
        return None
    who = visit.application if visit.pass_directive else "nginx itself"
    target = destination(request, answer)
    if target is None or (target.hostname == request.name and not is_url(target.geturl())):
        cause = (
            f"{request.url} redirects to '{answer.location[:SHOWN]}', which is not a URL: {who} answers {answer.status}"
        )
        return Finding(request.site, f"{cause}.", "Correct the Location header of this answer.")
    # A redirect to a site of this host was followed, so the visit did not end with it.
    if (target.hostname or "") != request.name:
        return None
    if target.scheme == "https" and visit.server.inherited("real_ip_header"):
        return None  # what stands in front of nginx serves it over HTTPS
    scheme = target.scheme.upper()
    cause = f"{request.url} redirects to {target.scheme}://{target.netloc}{target.path}: {who} answers {answer.status}"
    if str(target.port or DEFAULT_PORTS.get(target.scheme, "")) != request.port and target.scheme == request.scheme:
        return _lost_port(visit, cause)
    cause = f"{cause}, but nginx does not serve {request.name} over {scheme}."
    if not visit.pass_directive:
        remedy = f"Give the site a server for {scheme}, or remove the redirect in {_redirect_place(visit)}."
    elif target.scheme == "https":
        remedy = "Give the site TLS (tls: acme), or set SECURE_SSL_REDIRECT = False in the settings."
    else:
        remedy = f"Tell the application that its visitors use HTTPS: {scheme_remedy(visit)}"
    return Finding(request.site, cause, remedy)


def _lost_port(visit: Visit, cause: str) -> Finding:
    request, sent = visit.request, dict(sent_headers(visit.location)).get("Host")
    cause = f"{cause}, but nginx serves {request.name} on port {request.port}, not there"
    if visit.pass_directive and sent != "$http_host":
        given = f"'proxy_set_header Host {sent}'" if sent else "no 'proxy_set_header Host'"
        cause = f"{cause}: nginx tells the application no port, by {given} ({visit.location.where})"
        return Finding(request.site, f"{cause}.", _host_remedy(visit))
    place = "" if visit.pass_directive else f" in {_redirect_place(visit)}"
    return Finding(request.site, f"{cause}.", f"Write the port {request.port} into the Location of this answer{place}.")


def _redirect_place(visit: Visit) -> str:
    """The place of a redirect of nginx's own."""
    is_managed = visit.host.is_managed(visit.location)
    return places.in_snippet(visit.host, visit.location) if is_managed else visit.location.where


def _host_remedy(visit: Visit) -> str:
    line = "proxy_set_header Host $http_host;"
    if visit.host.is_managed(visit.location):
        return "Run `ansible-playbook gatehouse.django.site`, and look for a snippet of the site that sets Host."
    return f"Write '{line}' instead in {visit.location.where}, then {places.RELOAD}."
