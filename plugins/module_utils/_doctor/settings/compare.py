# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares a project's settings with the site that it is served as: what keeps visitors from using it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.django import Project
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, Served
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.forwarded_request import Passed
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.files import of_files
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.request import (
    of_hosts,
    of_origins,
    of_scheme,
)

NAME = re.compile(r"(\*?\.)?([A-Za-z0-9][A-Za-z0-9.-]*)")
# Django's own. FILE_UPLOAD_MAX_MEMORY_SIZE is no limit: it says from where on a file is kept on the disk.
DEFAULT_BODY = 2621440
# Browsers trust it without TLS.
LOCAL = re.compile(r"(.*\.)?localhost|127\..*")


def compare(project: Project, served: Served, secure: Collection[str] = ()) -> list[Finding]:
    """What of the settings does not fit the site. *secure*: the names that this host serves over TLS."""
    passed = [Passed(served, name) for name in visited(served)]
    return [
        Finding(served.site, cause, remedy)
        for cause, remedy in (
            *of_scheme(project, passed[0]),
            *of_hosts(project, passed),
            *of_origins(project, passed),
            *of_plain_http(project, served, secure),
            *of_uploads(project, served),
            *of_files(project, served),
        )
    ]


def visited(served: Served) -> list[str]:
    """A host name for each server name: visitors of a wildcard come under any."""
    found: dict[str, None] = {}
    for name in served.names:
        match = NAME.fullmatch(name)
        if match and not name.endswith("."):
            found |= {match[2].lower(): None} if match[1] != "*." else {}
            found |= {f"any.{match[2].lower()}": None} if match[1] else {}
    return list(found) or ["localhost"]


def of_plain_http(project: Project, served: Served, secure: Collection[str]) -> Iterator[tuple[str, str]]:
    """Settings that need HTTPS, on a site that has none."""
    values, names = project.values, [name for name in visited(served) if not LOCAL.fullmatch(name)]
    if Passed(served, "").scheme == "https" or not names or set(served.names) & set(secure):
        return
    remedy = (
        served.by_inventory("tls: acme")
        if served.managed
        else served.by_hand("listen 443 ssl; ssl_certificate FILE; ssl_certificate_key FILE;", "in the server around")
    )
    if project.is_redirecting and not values["SECURE_SSL_HOST"]:
        yield f"SECURE_SSL_REDIRECT leads to https://{names[0]}, and nginx serves that name without TLS only.", remedy
        return
    lost = []
    if values["SESSION_COOKIE_SECURE"] and project.has_middleware("SessionMiddleware"):
        lost.append(("SESSION_COOKIE_SECURE", "no login lasts"))
    if values["CSRF_COOKIE_SECURE"] and project.checks_forms and not values["CSRF_USE_SESSIONS"]:
        lost.append(("CSRF_COOKIE_SECURE", "each form is answered with 403 (CSRF)"))
    if lost:
        settings, comes_to = (" and ".join(words) for words in zip(*lost, strict=True))
        yield (
            f"{settings} keep{'s' if len(lost) == 1 else ''} cookies to HTTPS, which the site does not have, so that "
            f"{comes_to}.",
            remedy,
        )


def of_uploads(project: Project, served: Served) -> Iterator[tuple[str, str]]:
    """DATA_UPLOAD_MAX_MEMORY_SIZE: the project means to take bodies that nginx refuses."""
    wanted, limit = project.values["DATA_UPLOAD_MAX_MEMORY_SIZE"], served.client_max_body_size
    # Without a limit, or with Django's own, nobody has said how large a body is to be.
    if not wanted or wanted <= DEFAULT_BODY or not limit or wanted <= limit:
        return
    size = f"{-(-wanted // 1048576)}m"
    yield (
        f"nginx answers 413 to a request body of more than {limit} bytes (client_max_body_size), and "
        f"DATA_UPLOAD_MAX_MEMORY_SIZE is to let {wanted} through.",
        served.by_inventory(f"client_max_body_size: {size}")
        if served.managed
        else served.by_hand(f"client_max_body_size {size};"),
    )
