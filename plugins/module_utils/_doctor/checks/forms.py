# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""403 to forms: Django compares the Origin or the Referer of a form with what nginx says about the request.

The doctor sends a login form without a name and a password. Where Django rejects it, the doctor sends it once more from
other origins: the one that Django accepts shows what it takes the site for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import (
    direct,
    evidence,
    login_form,
    places,
    sites,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import sent_headers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.redirect_loop import HEADER, scheme_remedy
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, Symptom, guarded
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import ask
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.login_form import LoginForm
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Form, Request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Step, Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import modifier

# Seconds for all forms of a page.
SECONDS = 20.0
# Where Django's own login pages are, most of the time.
PATHS = ("accounts/login/", "admin/login/")
CONCURRENT_SITES = 8
# Of django/views/csrf.py, and what django.security.csrf logs.
REJECTED = re.compile(r"CSRF", re.IGNORECASE)
LOGGED = re.compile(r"Forbidden \((.{1,300}?)\):? ?/")


@dataclass(frozen=True)
class Page:
    """A page with a login form, and the cookies that a browser has after it."""

    visit: Visit
    request: Request
    form: LoginForm
    cookies: tuple[str, ...]
    deadline: float
    # Names of cookies that a browser does not send without HTTPS.
    lost: tuple[str, ...] = ()

    def send(self, origin: str) -> Answer:
        """Send the form as a browser does from a page of *origin*."""
        headers = (("Origin", origin), ("Referer", f"{origin}{self.request.plain_path}"))
        target = replace(self.request, path=self.form.path)
        return ask(target, self.cookies, self.deadline - time.monotonic(), Form(self.form.fields, headers))


def check_forms(visits: Sequence[Visit], findings: Sequence[Finding]) -> list[Finding]:
    """The *findings*, with one for each site that rejects its own login form, unless one of them explains that."""
    pages = [visit for visit in visits if not visit.page and visit.pass_directive and visit.status == 200]
    first = {(visit.server, visit.location): visit for visit in reversed(pages)}
    with ThreadPoolExecutor(CONCURRENT_SITES) as pool:
        found = list(pool.map(_guarded, first.values()))
    result = list(findings)
    for finding in (one for many in found for one in many):
        known = [one for one in result if one.site == finding.site and one.symptom is Symptom.FORM]
        if known:
            result[result.index(known[0])] = known[0].of(*finding.explains)
        else:
            result.append(finding)
    return result


def _guarded(visit: Visit) -> list[Finding]:
    return guarded(visit.request.site, f"the forms of {visit.request.url}", lambda: _check(visit))


def _check(visit: Visit) -> Finding | None:
    page = next(_pages(visit), None)
    if page is None or page.lost:
        return None
    own = f"{page.request.scheme}://{page.request.host}"
    answer = page.send(own)
    if answer.status != 403 or not REJECTED.search(answer.body):
        return None
    return _explain(page, own).of(f"POST {page.request.url}: 403")


def _pages(visit: Visit) -> Iterator[Page]:
    """The page of the visit, then those where login pages usually are, as far as they have a login form."""
    deadline = time.monotonic() + SECONDS
    cookies: dict[str, str] = {}
    secure = {name for step in visit.steps for name in step.answer.secure_cookies}
    for step in visit.steps:
        cookies |= dict(one.partition("=")[::2] for one in step.answer.cookies if one.isprintable())
    kind, prefix = modifier(visit.location)
    top = prefix if kind in ("", "^~") and prefix.endswith("/") else "/"
    others = (replace(visit.request, path=f"{top}{path}") for path in PATHS)
    for number, request in enumerate((visit.request, *others)):
        location = sites.final_location(visit.server, request.decoded_path)
        if location is not visit.location:
            continue
        sent = [f"{name}={value}" for name, value in cookies.items()]
        answer = ask(request, sent, deadline - time.monotonic()) if number else visit.answer
        url = f"{request.scheme}://{request.host}{request.path}"
        form = login_form.find(answer.body, url) if answer.status == 200 else None
        if form:
            cookies |= dict(one.partition("=")[::2] for one in answer.cookies if one.isprintable())
            secure |= set(answer.secure_cookies)
            lost = () if request.tls else tuple(sorted(secure & set(cookies)))
            kept = tuple(f"{name}={value}" for name, value in cookies.items())
            yield Page(replace(visit, steps=(Step(request, answer),)), request, form, kept, deadline, lost)


def _explain(page: Page, own: str) -> Finding:
    visit, request = page.visit, page.request
    other_scheme = f"{'http' if request.tls else 'https'}://{request.host}"
    without_port = f"{request.scheme}://{request.name}"
    of_upstream = f"{request.scheme}://{direct.upstream_name(visit)}"
    words = next((found[1] for line in evidence.journal_lines(visit) if (found := LOGGED.search(line))), "")
    said = f". Its journal says: {evidence.quoted(visit, words)}" if words else ""
    cause = f"Django answers 403 (CSRF) to the form of {request.url}, sent from {own}"
    others = [one for one in (other_scheme, without_port, of_upstream) if one != own]
    # 0 is no answer.
    accepted = [one for one in others if page.send(one).status not in (0, 403)]
    if other_scheme in accepted:
        cause = f"{cause}, but accepts it from {other_scheme}: it does not know that visitors use HTTPS"
        remedy = f"Tell it: {scheme_remedy(visit)}"
        if not request.tls:
            cause = cause.replace("it does not know that visitors use HTTPS", "it takes plain HTTP for HTTPS")
            remedy = _plain_remedy(visit)
    elif accepted:
        sent = dict(sent_headers(visit.location)).get("Host", "nothing")
        cause = f"{cause}, but accepts it from {accepted[0]}: nginx sends it {sent} as Host"
        line = "proxy_set_header Host $http_host;" if accepted[0] == without_port else "proxy_set_header Host $host;"
        remedy = places.remedy(visit.host, visit.location, line, f"CSRF_TRUSTED_ORIGINS: [{own}]")
    else:
        cause = f"{cause}, and from no other origin that was tried"
        remedy = f'Add "{own}" to CSRF_TRUSTED_ORIGINS in the settings, or read {evidence.log_command(visit)}.'
    return Finding(request.site, f"{cause}{said}.", remedy)


def _plain_remedy(visit: Visit) -> str:
    """What lets Django know that the visitor does not use HTTPS."""
    line = "proxy_set_header X-Forwarded-Proto $scheme;"
    if not visit.host.is_managed(visit.location):
        return f"Write '{line}' in {visit.location.where} in the place of another value, then {places.RELOAD}."
    if places.is_of_snippet(visit.location):
        return places.snippet_remedy(visit.host, visit.location, line)
    setting = f"write {HEADER} in the settings in the place of another value."
    if visit.server.own("real_ip_header"):
        place = places.in_inventory(visit.location, "behind")
        return f"If visitors use plain HTTP, remove `scheme: https` from {place}. Otherwise {setting}"
    return f"nginx tells it the scheme in X-Forwarded-Proto: {setting}"
