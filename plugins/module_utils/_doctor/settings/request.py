# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares what nginx says about a request with what Django reads: HTTPS, the host name, the form's origin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, Symptom
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import django
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.comparison import Comparison
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.forwarded_request import (
    ForwardedRequest,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Project


def check_scheme(comparison: Comparison) -> Iterator[Finding]:
    """SECURE_PROXY_SSL_HEADER: is_secure() is false although the visitor uses TLS."""
    project, request = comparison.project, comparison.requests[0]
    if request.scheme != "https" or django.scheme(project, request) != "http":
        return
    consequence = "its links begin with http://"
    if project.is_redirecting:
        consequence = "SECURE_SSL_REDIRECT redirects each request to itself in a loop"
    elif project.checks_forms and not django.is_trusted(request.origin, project.values["CSRF_TRUSTED_ORIGINS"]):
        consequence = "Django answers 403 (CSRF) to each form"
    cause = f"Django takes HTTPS for plain HTTP, so {consequence}: {_why_not_secure(project, request)}."
    if request.header("X-Forwarded-Proto") == "https":
        remedy = project.remedy("SECURE_PROXY_SSL_HEADER", ("HTTP_X_FORWARDED_PROTO", "https"))
    else:
        remedy = comparison.site.nginx_remedy("proxy_set_header X-Forwarded-Proto $scheme;")
    yield comparison.finding(cause, remedy, Symptom.REDIRECT if project.is_redirecting else Symptom.FORM)


def _why_not_secure(project: Project, request: ForwardedRequest) -> str:
    """What SECURE_PROXY_SSL_HEADER expects, and what nginx sends."""
    if not project.values["SECURE_PROXY_SSL_HEADER"]:
        return "SECURE_PROXY_SSL_HEADER is not set" + (
            "" if request.header("X-Forwarded-Proto") else ", and nginx does not send X-Forwarded-Proto"
        )
    key, secure = project.values["SECURE_PROXY_SSL_HEADER"]
    name = django.meta_header(key)
    if not name:
        return f"SECURE_PROXY_SSL_HEADER names '{key}', but the key of a header begins with HTTP_"
    value = request.header(name)
    if value:
        return f"SECURE_PROXY_SSL_HEADER expects '{secure}' in {name}, but nginx sends '{value}'"
    sends = "blanks" if request.configured(name) == "" else "does not send"
    return f"SECURE_PROXY_SSL_HEADER reads {name}, which nginx {sends}"


def check_allowed_hosts(comparison: Comparison) -> Iterator[Finding]:
    """ALLOWED_HOSTS: Django answers 400 to a host name that it lacks."""
    if comparison.requests[0].configured("Host") is None:
        yield comparison.finding(
            "nginx sends the app the name of its upstream as Host instead of the visitor's, so Django takes itself for "
            "another site: it answers 400 to pages or 403 to forms.",
            comparison.site.nginx_remedy("proxy_set_header Host $host;"),
            Symptom.BAD_REQUEST,
        )
        return
    values = comparison.project.values
    given = list(values["ALLOWED_HOSTS"])
    allowed = given or ([".localhost", "127.0.0.1", "[::1]"] if values["DEBUG"] else [])
    missing: dict[str, None] = {}
    for request in comparison.requests:
        host = django.host(comparison.project, request)
        name = re.sub(r":\d+$", "", host or "").lower()
        if not host or django.is_allowed(name, allowed) or _is_partly_allowed(request, allowed):
            continue
        missing[name.removeprefix("any") if name == request.host else name] = None
    if missing:
        yield comparison.finding(
            f"Django answers 400 to each request for {', '.join(missing)}: ALLOWED_HOSTS is {given}.",
            comparison.project.remedy("ALLOWED_HOSTS", [*given, *missing]),
            Symptom.BAD_REQUEST,
        )


def _is_partly_allowed(request: ForwardedRequest, allowed: list[str]) -> bool:
    """Whether the request is for a wildcard, and some of its names are allowed: perhaps all that exist."""
    suffix = request.host.removeprefix("any")
    return suffix.startswith(".") and any(pattern.lower().endswith(suffix) for pattern in allowed)


def check_trusted_origins(comparison: Comparison) -> Iterator[Finding]:
    """CSRF_TRUSTED_ORIGINS: the browser's origin is not the one that Django derives from the request."""
    project = comparison.project
    if not project.checks_forms:
        return
    trusted = list(project.values["CSRF_TRUSTED_ORIGINS"])
    missing, derived = [], ""
    for request in comparison.requests:
        host, scheme = django.host(project, request), django.scheme(project, request)
        # Where Django reads the wrong scheme, the operator has to correct that first.
        if request.configured("Host") is None or not host or scheme != request.scheme:
            continue
        if f"{scheme}://{host}" != request.origin and not django.is_trusted(request.origin, trusted):
            missing.append(request.origin.replace("://any.", "://*."))
            derived = f"{scheme}://{host}"
    if missing:
        yield comparison.finding(
            f"Django answers 403 (CSRF) to each form from {', '.join(missing)}: from the Host that nginx sends it "
            f"derives {derived}, and CSRF_TRUSTED_ORIGINS is {trusted}.",
            project.remedy("CSRF_TRUSTED_ORIGINS", [*trusted, *missing]),
            Symptom.FORM,
        )
