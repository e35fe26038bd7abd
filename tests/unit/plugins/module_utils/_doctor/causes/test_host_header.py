"""An application that answers 400 to the Host header."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import host_header
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer


@pytest.fixture
def explain(visit_to):
    def explain(more="", status=400, text="location / { proxy_pass http://127.0.0.1:1; MORE }"):
        return host_header.explain(visit_to(text.replace("MORE", more), ("http://shop.test/", Answer(status))))

    return explain


def test_a_host_that_nginx_does_not_send(explain, tmp_path):
    finding = explain()
    assert f"without a 'proxy_set_header Host' in {tmp_path}/nginx.conf:3" in finding.cause
    assert finding.remedy.startswith(f"Add 'proxy_set_header Host $host;' to {tmp_path}/nginx.conf:3")


def test_a_host_that_the_project_does_not_allow(explain):
    finding = explain("proxy_set_header Host $host;")
    assert "answers 400 to the Host shop.test" in finding.cause
    assert 'ALLOWED_HOSTS = ["shop.test"]' in finding.remedy


def test_nginx_answers_400_to_a_visitor_without_a_certificate(explain):
    assert explain(text="ssl_verify_client on; location / { proxy_pass http://127.0.0.1:1; }") is None


def test_another_answer(explain):
    assert explain(status=404) is None
    assert explain(text="return 400;") is None
