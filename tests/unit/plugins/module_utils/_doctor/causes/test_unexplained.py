"""A failing answer that no cause explains."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import explain, unexplained
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Problem

APP = "location / { proxy_pass http://127.0.0.1:1; }"


def test_the_evidence(failed_visit):
    visit = failed_visit(APP, "something unknown", status=418, page="<p>short\x1b and stout</p>")
    finding = unexplained.explain(visit)
    assert finding.cause.startswith("The doctor does not know why http://shop.test/ gets the answer 418, which comes ")
    assert "nginx's error log says: [error] something unknown; the answer says: short\\x1b and stout." in finding.cause


def test_no_evidence(visit_to):
    finding = unexplained.explain(visit_to(APP, ("http://shop.test/", Answer(0, Problem.TIMEOUT))))
    assert "gets no answer" in finding.cause
    assert "say nothing about it" in finding.cause


@pytest.mark.parametrize("page", [False, True])
def test_a_limit_that_the_doctor_itself_uses_up(failed_visit, page):
    text = "location / { limit_req zone=a; proxy_pass http://127.0.0.1:1; }"
    visit = failed_visit(text, 'limiting requests, excess: 0.9 by zone "a"', status=503, is_target=page)
    assert explain(visit.needed_by("http://shop.test/") if page else visit) is None
