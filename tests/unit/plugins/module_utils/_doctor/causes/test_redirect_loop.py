"""Redirects that never end."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import redirect_loop
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

APP = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; }"
NGINX = "return 301 http://shop.test/;"
URL = "http://shop.test"


def moved(location):
    return Answer(301, location=location)


@pytest.fixture
def explain(visit_to):
    return lambda text, *steps: redirect_loop.explain(visit_to(text, *((f"{URL}{path}", one) for path, one in steps)))


def test_a_page_is_no_redirect(explain):
    assert explain(APP, ("/", Answer(200))) is None
    assert explain(APP, ("/", moved("/page")), ("/page", Answer(200))) is None


def test_nginx_redirects_in_a_loop(explain, tmp_path):
    finding = explain(NGINX, ("/", moved("/")), ("/", moved("/")))
    assert finding.cause == "http://shop.test/ redirects in a loop: nginx itself answers 301 to the same URL."
    assert finding.remedy.startswith(f"Remove 'return 301 http://shop.test/' in {tmp_path}/nginx.conf:3, or let")


def test_the_app_redirects_in_a_loop(explain, tmp_path):
    finding = explain(APP, ("/a", moved("/b")), ("/b", moved("/a")), ("/a", moved("/b")))
    assert finding.cause == (
        "http://shop.test/a redirects in a loop: the app shop answers 301 by way of http://shop.test/b."
    )
    assert 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")' in finding.remedy
    assert f"'proxy_set_header X-Forwarded-Proto $scheme;' in {tmp_path}/nginx.conf:3" in finding.remedy


def test_too_many_redirects(explain):
    steps = [(f"/{number}", moved(f"/{number + 1}")) for number in range(11)]
    assert "redirects in a loop" in explain(APP, *steps).cause
    assert explain(APP, *steps[:-1]) is None
