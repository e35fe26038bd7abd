# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares what nginx says of a request with what Django makes of it: HTTPS, the host's name, the form's origin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import django
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.django import Project
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.forwarded_request import Passed


def of_scheme(project: Project, passed: Passed) -> Iterator[tuple[str, str]]:
    """SECURE_PROXY_SSL_HEADER: is_secure() is false although the visitor came over TLS."""
    if passed.scheme != "https" or django.scheme(project, passed) != "http":
        return
    comes_to = "its links begin with http://"
    if project.is_redirecting:
        comes_to = "SECURE_SSL_REDIRECT redirects each request to itself, without end"
    elif project.checks_forms and not django.is_trusted(passed.origin, trusted(project)):
        comes_to = "each form is answered with 403 (CSRF)"
    cause = f"Django takes HTTPS for plain HTTP, so that {comes_to}: {why_not_secure(project, passed)}."
    if passed.header("X-Forwarded-Proto") == "https":
        yield cause, project.line("SECURE_PROXY_SSL_HEADER", ("HTTP_X_FORWARDED_PROTO", "https"))
    else:
        yield cause, passed.served.by_hand("proxy_set_header X-Forwarded-Proto $scheme;")


def why_not_secure(project: Project, passed: Passed) -> str:
    """What SECURE_PROXY_SSL_HEADER looks for, and what there is."""
    if not project.values["SECURE_PROXY_SSL_HEADER"]:
        return "SECURE_PROXY_SSL_HEADER is not set" + (
            "" if passed.header("X-Forwarded-Proto") else ", and nginx does not send X-Forwarded-Proto"
        )
    key, secure = project.values["SECURE_PROXY_SSL_HEADER"]
    name = django.meta_header(key)
    if not name:
        return f"SECURE_PROXY_SSL_HEADER names '{key}', and the key of a header begins with HTTP_"
    value = passed.header(name)
    if value:
        return f"SECURE_PROXY_SSL_HEADER waits for '{secure}' in {name}, and nginx sends '{value}'"
    sends = "blanks" if passed.written(name) == "" else "does not send"
    return f"SECURE_PROXY_SSL_HEADER looks for {name}, which nginx {sends}"


def of_hosts(project: Project, passed: list[Passed]) -> Iterator[tuple[str, str]]:
    """ALLOWED_HOSTS: Django answers 400 to a host name that is not there."""
    if passed[0].written("Host") is None:
        yield (
            "nginx sends the app the name of its upstream as Host, and not the visitor's, so that Django takes itself "
            "for another site: it answers 400 to pages or 403 to forms.",
            passed[0].served.by_hand("proxy_set_header Host $host;"),
        )
        return
    values = project.values
    given = [str(pattern) for pattern in values["ALLOWED_HOSTS"] or ()]
    allowed = given or ([".localhost", "127.0.0.1", "[::1]"] if values["DEBUG"] else [])
    missing: dict[str, None] = {}
    for request in passed:
        asked = django.host(project, request)
        name = re.sub(r":\d+$", "", asked or "").lower()
        if not asked or django.is_allowed(name, allowed) or is_partly_allowed(request, allowed):
            continue
        missing[name.removeprefix("any") if name == request.host else name] = None
    if missing:
        names = ", ".join(missing)
        yield (
            f"Django answers 400 to each request for {names}: ALLOWED_HOSTS is {given}.",
            project.line("ALLOWED_HOSTS", [*given, *missing]),
        )


def is_partly_allowed(request: Passed, allowed: list[str]) -> bool:
    """Whether it stands for all names below one, and some of them are allowed: those that there are, perhaps."""
    suffix = request.host.removeprefix("any")
    return suffix.startswith(".") and any(pattern.lower().endswith(suffix) for pattern in allowed)


def of_origins(project: Project, passed: list[Passed]) -> Iterator[tuple[str, str]]:
    """CSRF_TRUSTED_ORIGINS: the browser's address is another one than Django thinks that it has."""
    if not project.checks_forms:
        return
    missing, taken = [], ""
    for request in passed:
        host, scheme = django.host(project, request), django.scheme(project, request)
        # Where Django is wrong about the scheme, that is what has to be repaired.
        if request.written("Host") is None or not host or scheme != request.scheme:
            continue
        if f"{scheme}://{host}" != request.origin and not django.is_trusted(request.origin, trusted(project)):
            missing.append(request.origin.replace("://any.", "://*."))
            taken = f"{scheme}://{host}"
    if missing:
        yield (
            f"Django answers 403 (CSRF) to each form from {', '.join(missing)}: from what nginx sends as Host it takes "
            f"itself for {taken}, and CSRF_TRUSTED_ORIGINS is {trusted(project)}.",
            project.line("CSRF_TRUSTED_ORIGINS", [*trusted(project), *missing]),
        )


def trusted(project: Project) -> list[str]:
    """CSRF_TRUSTED_ORIGINS."""
    return [str(origin) for origin in project.values["CSRF_TRUSTED_ORIGINS"] or ()]
