# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A failing answer that no cause explains: the evidence, for a person to read."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """What nginx's log, the answer and the application's journal contain about this request."""
    if not visit.is_failing:
        return None
    request, answer = visit.request, visit.answer
    got = f"the answer {answer.status}" if answer.status else f"no answer ({answer.detail or answer.problem})"
    found = {
        "nginx's error log": evidence.nginx_words(visit),
        "the answer": evidence.body_words(visit),
        "the journal of the application": evidence.last_error(visit, evidence.journal_lines(visit)),
    }
    said = [f"{source} says: {words}" for source, words in found.items() if words]
    who = "nginx" if visit.is_by_nginx else visit.application
    cause = f"The doctor does not know why {request.url} gets {got}, which comes from {who} ({visit.location.where})"
    shown = "; ".join(said) or "nginx's error log, the answer and the journal of the application say nothing about it"
    return Finding(request.site, f"{cause}. Evidence: {shown}.", f"Read {evidence.log_command(visit)}.")
