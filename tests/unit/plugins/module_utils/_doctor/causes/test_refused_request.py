"""A directive by which nginx itself refuses the path."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import refused_request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer


@pytest.fixture
def explain(visit_to):
    def explain(text, status=404, is_target=True):
        visit = visit_to(text, ("http://shop.test/static/x.css", Answer(status)), is_target=is_target)
        return refused_request.explain(visit)

    return explain


@pytest.mark.parametrize("directive", ["return 404", "internal", "deny all"])
def test_a_rule_of_the_location(explain, tmp_path, directive):
    text = f"location /static/ {{ {directive}; alias TMP/static/; }}"
    finding = explain(text)
    assert finding.cause == (
        f"nginx itself answers 404 to /static/x.css: location /static/ has '{directive}' ({tmp_path}/nginx.conf:3)."
    )
    assert ("X-Accel-Redirect" in finding.remedy) == (directive == "internal")
    assert explain(text, is_target=False) is None


def test_a_rule_before_the_application(explain):
    text = "location / { proxy_pass http://127.0.0.1:1; deny all; }"
    assert "nginx itself answers 403 to /static/x.css: location / has 'deny all'" in explain(text, 403).cause
    assert explain(text, 404) is None


def test_no_rule(explain):
    assert explain("location /static/ { alias TMP/static/; }") is None
    assert explain("location / { proxy_pass http://127.0.0.1:1; }", 403) is None
