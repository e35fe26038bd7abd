# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the explanation of each answer. A finding explains only what it leads to; any other answer needs a cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import explain
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, Symptom, guarded
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.walk import has_failing_app


def explain_answers(
    visits: Sequence[Visit], by_app: Mapping[str, Sequence[Finding]], settings: Sequence[Finding]
) -> list[Finding]:
    """The findings about whole apps (*by_app*), about each answer, and about *settings*, with what they explain."""
    of_apps = {app: list(findings) for app, findings in by_app.items()}
    by_setting, others = list(settings), []
    for visit in visits:
        # An app that the kernel killed, or that has lost its Python, and that is down has no other cause.
        known = of_apps.get(unanswered_app(visit), []) if has_failing_app(visit.host, visit.request) else []
        for finding in known:
            known[known.index(finding)] = finding.of(observed(visit))
        # Settings explain a 400 or a redirect better than the answer can.
        matching = [one for one in by_setting if one.site == visit.request.site and one.symptom is symptom(visit)]
        for finding in matching if not known else ():
            if finding.symptom:
                by_setting[by_setting.index(finding)] = finding.of(observed(visit))
                known = [finding]
        if not known:
            found = guarded(visit.request.site, visit.request.url, partial(explain, visit))
            others += [finding.of(observed(visit)) for finding in found]
    return [*(finding for findings in of_apps.values() for finding in findings), *others, *by_setting]


def observed(visit: Visit) -> str:
    """The last request of the visit and its answer."""
    answer = visit.answer
    got = str(answer.status) if answer.status else answer.detail or (answer.problem.name if answer.problem else "")
    return f"{visit.request.url}: {got}{f' (for {visit.page})' if visit.page else ''}"


def symptom(visit: Visit) -> Symptom | None:
    """The kind of answer that settings of the project may lead to; None for another."""
    if visit.pass_directive is None or visit.is_by_nginx:
        return None
    if visit.status == 400:
        return Symptom.BAD_REQUEST
    return Symptom.REDIRECT if visit.answer.is_redirect else None


def unanswered_app(visit: Visit) -> str:
    """The app that did not answer, empty for none."""
    return visit.app if visit.status == 0 or visit.is_unanswered else ""
