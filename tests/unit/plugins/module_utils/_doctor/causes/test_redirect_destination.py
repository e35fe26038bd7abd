"""A redirect to a URL that cannot work."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import walk
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import redirect_destination
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import find, parse
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.walk import visit_all

APP = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; }"


@pytest.fixture
def explain(doctor_host, monkeypatch):
    """explain(text, url, location): the finding where nginx answers with this redirect, and then with a page."""

    def explain(text, url, location):
        answers = iter([Answer(301, location=location), Answer(200)])
        monkeypatch.setattr(walk, "ask", lambda request, cookies, timeout: next(answers))
        host = doctor_host(f"server {{ server_name shop.test; {text} }}")
        (visit,) = visit_all(host, [find(host, parse(url))], is_target=True)
        return redirect_destination.explain(visit)

    return explain


def test_https_that_the_site_lacks(explain):
    finding = explain(APP, "http://shop.test/", "https://shop.test/")
    assert finding.cause == (
        "http://shop.test/ redirects to https://shop.test/: the app shop answers 301, but nginx does not serve "
        "shop.test over HTTPS."
    )
    assert "SECURE_SSL_REDIRECT = False" in finding.remedy


def test_https_that_a_balancer_in_front_has(explain):
    front = "set_real_ip_from 192.0.2.1; real_ip_header X-Forwarded-For;"
    assert explain(front + APP, "http://shop.test/", "https://shop.test/") is None
    # A redirect to HTTP is no matter of the balancer.
    finding = explain(f"listen 443 ssl; {front}{APP}", "https://shop.test/", "http://shop.test/")
    assert finding.cause.endswith("but nginx does not serve shop.test over HTTP.")


def test_https_that_the_site_has(explain):
    assert explain(f"listen 80; listen 443 ssl; {APP}", "http://shop.test/", "https://shop.test/") is None


def test_http_that_the_site_lacks(explain):
    finding = explain(f"listen 443 ssl; {APP}", "https://shop.test/", "http://shop.test/")
    assert finding.cause.endswith("but nginx does not serve shop.test over HTTP.")
    assert "SECURE_PROXY_SSL_HEADER" in finding.remedy


def test_a_redirect_of_nginx(explain, tmp_path):
    finding = explain("return 301 https://shop.test/;", "http://shop.test/", "https://shop.test/")
    assert "nginx itself answers 301" in finding.cause
    assert finding.remedy.endswith(f"or remove the redirect in {tmp_path}/nginx.conf:2.")


@pytest.mark.parametrize("location", ["http://[evil", "http://shop.test:99999/"])
def test_a_location_that_is_not_a_url(explain, location):
    finding = explain(APP, "http://shop.test/", location)
    assert finding.cause.startswith(f"http://shop.test/ redirects to '{location}', which is not a URL: the app shop")


def test_another_host(explain):
    assert explain(APP, "http://shop.test/", "https://login.example.com/") is None


@pytest.mark.parametrize("location", ["/{{7*7}}%7b\x1b[31m", "http://a:b@shop.test/", "ftp://shop.test/"])
def test_a_location_that_is_no_url_of_a_page(explain, location):
    """It says nothing about HTTPS."""
    finding = explain(f"listen 443 ssl; {APP}", "https://shop.test/", location)
    assert "which is not a URL" in finding.cause
    assert finding.remedy == "Correct the Location header of this answer."


def test_a_location_with_a_space(explain):
    assert explain(f"listen 80; {APP}", "http://shop.test/", "/a b") is None
