# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Django makes of a request that nginx has passed on: its scheme, its host, its origin."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.forwarded_request import Passed


@dataclass(frozen=True)
class Directory:
    """The directory of STATIC_ROOT or MEDIA_ROOT as the app sees it."""

    real: str = ""
    # Names of the first files in it.
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Project:
    """A project's settings, and where they are written."""

    values: dict[str, Any]
    module: str = "settings"
    # Names of the settings that the inventory has the last word on.
    inventory: frozenset[str] = frozenset()
    # Whether the server tells it the scheme: each does in a release that has gatehouse_server.py.
    server_knows_scheme: bool = True
    # By the setting's name.
    directories: Mapping[str, Directory] = field(default_factory=dict)

    def has_middleware(self, name: str) -> bool:
        """Whether a middleware of that name is active, Django's own or one made from it."""
        return any(str(path).rpartition(".")[2] == name for path in self.values["MIDDLEWARE"] or ())

    @property
    def is_redirecting(self) -> bool:
        """Whether it sends plain HTTP to HTTPS."""
        return bool(self.values["SECURE_SSL_REDIRECT"]) and self.has_middleware("SecurityMiddleware")

    @property
    def checks_forms(self) -> bool:
        """Whether it compares origins and tokens."""
        return self.has_middleware("CsrfViewMiddleware")

    def line(self, name: str, value: Any) -> str:
        """The line to add, and where."""
        if name in self.inventory:
            return f"Write in the app's settings in the inventory: `{name}: {json.dumps(value)}`."
        return f"Write in {self.module}: `{name} = {value!r}`."


def scheme(project: Project, passed: Passed) -> str | None:
    """HttpRequest.scheme; None where it depends on more than the site."""
    given = project.values["SECURE_PROXY_SSL_HEADER"]
    if given:
        if len(given) != 2:
            return None
        key, secure = given
        value = passed.header(meta_header(key)) if meta_header(key) else ""
        if value is None:
            return None
        if value:
            return "https" if value.split(",", 1)[0].strip() == secure else "http"
    if not project.server_knows_scheme:
        return "http"
    # The settings name no header that is there: the scheme is the server's, which takes it from this one.
    value = passed.header("X-Forwarded-Proto")
    return None if value is None else "https" if value == "https" else "http"


def meta_header(key: str) -> str:
    """The header that a key of request.META is about, nothing where it is about none."""
    return key.removeprefix("HTTP_").replace("_", "-").title() if key.startswith("HTTP_") else ""


def host(project: Project, passed: Passed) -> str | None:
    """HttpRequest.get_host(), not yet compared with ALLOWED_HOSTS; None where it depends on more than the site."""
    if project.values["USE_X_FORWARDED_HOST"]:
        forwarded = passed.header("X-Forwarded-Host")
        if forwarded is None or forwarded:
            return forwarded
    return passed.header("Host") or None


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
    """Whether CSRF_TRUSTED_ORIGINS has it, by CsrfViewMiddleware's rules."""
    wanted_scheme, _separator, wanted = origin.partition("://")
    for trusted in origins:
        given_scheme, _separator, netloc = trusted.partition("://")
        wild = "*" in trusted and given_scheme == wanted_scheme
        if trusted == origin or (wild and is_same_domain(wanted, netloc.lstrip("*"))):
            return True
    return False
