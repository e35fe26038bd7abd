"""nginx itself answers with 500 or above."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import nginx_error
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer


def test_maintenance(visit_to, tmp_path):
    text = "location / { proxy_pass http://127.0.0.1:1; }\nlocation /closed/ { return 503; }"
    finding = nginx_error.explain(visit_to(text, ("http://shop.test/closed/?token=hidden", Answer(503))))
    assert finding.cause == (
        f"nginx itself answers 503 to /closed/ by 'return 503' ({tmp_path}/nginx.conf:4), without the application."
    )
    assert finding.remedy == (
        f"If visitors are meant to get this page, remove 'return 503' from {tmp_path}/nginx.conf:4."
    )
    assert nginx_error.explain(visit_to(text, ("http://shop.test/", Answer(503)))) is None


def test_maintenance_of_a_site_of_gatehouse(visit_to, tmp_path):
    (tmp_path / "gatehouse/sites").mkdir(parents=True)
    (tmp_path / "gatehouse/sites/shop.conf").write_text("server { server_name shop.test; location / { return 503; } }")
    visit = visit_to("", ("http://shop.test/", Answer(503)), file="include gatehouse/sites/*.conf;")
    assert "`maintenance: false` in the entry of the site shop in django_sites" in nginx_error.explain(visit).remedy


@pytest.mark.parametrize(("words", "rule"), [("requests, excess: 0.9", "limit_req"), ("connections", "limit_conn")])
def test_a_limit_is_no_maintenance(failed_visit, words, rule):
    text = f"location / {{ {rule} zone=a; proxy_pass http://127.0.0.1:1; }}"
    given = {"status": 503, "page": "<hr><center>nginx</center>"}
    finding = nginx_error.explain(failed_visit(text, f'limiting {words} by zone "a"', **given))
    assert f"with 503: {rule} of the zone a (" in finding.cause
    # The doctor itself may use up a limit.
    assert nginx_error.explain(failed_visit(text, f'limiting {words} by zone "a"', is_target=False, **given)) is None


@pytest.mark.parametrize(
    ("status", "rule", "is_limited"),
    [(500, "", False), (429, "", False), (429, "limit_req_status 429;", True), (503, "limit_req_status 429;", False)],
)
def test_a_limit_answers_with_its_own_status(failed_visit, status, rule, is_limited):
    """A line about a limit does not explain an error of the application's."""
    text = f"location / {{ limit_req zone=a; {rule} proxy_pass http://127.0.0.1:1; }}"
    visit = failed_visit(text, 'limiting requests, excess: 0.9 by zone "a"', status=status, is_target=False)
    assert (visit.limit == ("limit_req", "a")) is is_limited
    assert visit.is_failing is (status >= 500)


def test_another_error(visit_to, tmp_path):
    finding = nginx_error.explain(visit_to("location / { root /srv; }", ("http://shop.test/x", Answer(500))))
    assert finding.cause.startswith(f"nginx itself answers 500 to /x ({tmp_path}/nginx.conf:3)")
    assert finding.remedy == f"Correct {tmp_path}/nginx.conf:3."
