# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares settings that need HTTPS with a site that has none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, Symptom
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.comparison import Comparison
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Project

# Browsers trust these names without TLS.
LOCAL = re.compile(r"(.*\.)?localhost|127\..*")


def check_https(comparison: Comparison) -> Iterator[Finding]:
    """SECURE_SSL_REDIRECT, SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE."""
    project, site = comparison.project, comparison.site
    names = [request.host for request in comparison.requests if not LOCAL.fullmatch(request.host)]
    if comparison.requests[0].scheme == "https" or not names or set(site.names) & set(comparison.https_names):
        return
    remedy = site.inventory_remedy("tls: acme")
    if not site.managed:
        line = "listen 443 ssl; ssl_certificate FILE; ssl_certificate_key FILE;"
        remedy = site.nginx_remedy(line, "in the server around")
    if project.is_redirecting and not project.values["SECURE_SSL_HOST"]:
        cause = f"SECURE_SSL_REDIRECT leads to https://{names[0]}, but nginx serves that name without TLS only."
        yield comparison.finding(cause, remedy, Symptom.REDIRECT)
        return
    lost = list(_lost_cookies(project))
    if lost:
        settings, consequences = (" and ".join(words) for words in zip(*lost, strict=True))
        verb = "limits" if len(lost) == 1 else "limit"
        cause = f"{settings} {verb} cookies to HTTPS, which the site does not have, so {consequences}."
        yield comparison.finding(cause, remedy, Symptom.FORM)


def _lost_cookies(project: Project) -> Iterator[tuple[str, str]]:
    values = project.values
    if values["SESSION_COOKIE_SECURE"] and project.has_middleware("SessionMiddleware"):
        yield "SESSION_COOKIE_SECURE", "no login lasts"
    if values["CSRF_COOKIE_SECURE"] and project.checks_forms and not values["CSRF_USE_SESSIONS"]:
        yield "CSRF_COOKIE_SECURE", "Django answers 403 (CSRF) to each form"
