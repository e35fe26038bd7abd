# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Django reads a request from nginx: its scheme, its host, its origin."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.forwarded_request import (
    ForwardedRequest,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Project


def scheme(project: Project, request: ForwardedRequest) -> str | None:
    """HttpRequest.scheme; None where it depends on more than the site."""
    given = project.values["SECURE_PROXY_SSL_HEADER"]
    if given:
        if len(given) != 2:
            return None
        key, secure = given
        value = request.header(meta_header(key)) if meta_header(key) else ""
        if value is None:
            return None
        if value:
            return "https" if value.split(",", 1)[0].strip() == secure else "http"
    if not project.server_knows_scheme:
        return "http"
    # The request has no header that the settings name: then the app server decides, by this header.
    value = request.header("X-Forwarded-Proto")
    return None if value is None else "https" if value == "https" else "http"


def meta_header(key: str) -> str:
    """The header behind a key of request.META, empty for another key."""
    return key.removeprefix("HTTP_").replace("_", "-").title() if key.startswith("HTTP_") else ""


def host(project: Project, request: ForwardedRequest) -> str | None:
    """HttpRequest.get_host(), not yet compared with ALLOWED_HOSTS; None where it depends on more than the site."""
    if project.values["USE_X_FORWARDED_HOST"]:
        forwarded = request.header("X-Forwarded-Host")
        if forwarded is None or forwarded:
            return forwarded
    return request.header("Host") or None


def is_allowed(name: str, patterns: Iterable[str]) -> bool:
    """django.http.request.validate_host()."""
    return any(pattern == "*" or is_same_domain(name, pattern) for pattern in patterns)


def is_same_domain(name: str, pattern: str) -> bool:
    """django.utils.http.is_same_domain()."""
    pattern = pattern.lower()
    return bool(pattern) and (
        (pattern[0] == "." and (name.endswith(pattern) or name == pattern[1:])) or pattern == name
    )


def is_trusted(origin: str, origins: Iterable[str]) -> bool:
    """Whether CSRF_TRUSTED_ORIGINS contains *origin*, by CsrfViewMiddleware's rules."""
    wanted_scheme, _separator, wanted = origin.partition("://")
    for trusted in origins:
        given_scheme, _separator, netloc = trusted.partition("://")
        wild = "*" in trusted and given_scheme == wanted_scheme
        if trusted == origin or (wild and is_same_domain(wanted, netloc.lstrip("*"))):
            return True
    return False
