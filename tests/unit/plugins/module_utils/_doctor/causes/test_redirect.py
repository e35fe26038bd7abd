"""Redirects that never end, or end where nobody listens."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import redirect
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer, Request

APP = "server {\nserver_name shop.test; location / { proxy_pass http://unix:/srv/shop/current/web.sock; } }"
NGINX = "server {\nserver_name shop.test;\nreturn 301 http://shop.test/; }"
TLS = "\nserver { listen 443 ssl; server_name shop.test; location / { proxy_pass http://a; } }"


def page(path="/", tls=False):
    return Request("shop.test", "shop.test", "127.0.0.1", "443" if tls else "80", tls, path)


def moved(location, status=301):
    return Answer(status, location=location)


@pytest.fixture
def explain(doctor_host):
    return lambda text, *steps: redirect.explain(doctor_host(text), list(steps))


def test_a_page_is_no_redirect(explain):
    assert explain(APP, (page(), Answer(200))) is None


def test_nginx_goes_round(explain, tmp_path):
    finding = explain(NGINX, (page(), moved("/")), (page(), moved("/")))
    assert finding.cause == "http://shop.test/ redirects for ever: nginx itself answers 301 to the same URL."
    assert finding.remedy.startswith(f"Take 'return 301 http://shop.test/' in {tmp_path}/nginx.conf:4 out")


def test_the_app_goes_round(explain):
    steps = [(page("/a"), moved("/b")), (page("/b"), moved("/a")), (page("/a"), moved("/b"))]
    finding = explain(APP, *steps)
    assert (
        "http://shop.test/a redirects for ever: the app shop answers 301 by way of http://shop.test/b" in finding.cause
    )
    assert 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")' in finding.remedy


def test_too_many(explain):
    steps = [(page(f"/{number}"), moved(f"/{number + 1}")) for number in range(11)]
    assert "redirects for ever" in explain(APP, *steps).cause


def test_https_that_is_not_there(explain):
    finding = explain(APP, (page(), moved("https://shop.test/")))
    assert (
        "redirects to https://shop.test/: the app shop answers 301, and nginx serves shop.test over HTTPS nowhere"
        in (finding.cause)
    )
    assert "SECURE_SSL_REDIRECT = False" in finding.remedy
    assert explain(APP + TLS, (page(), moved("https://shop.test/"))) is None


def test_http_that_is_not_there(explain):
    text = APP.replace("server_name", "listen 443 ssl; server_name")
    finding = explain(text, (page(tls=True), moved("http://shop.test/")))
    assert finding.cause.endswith("nginx serves shop.test over HTTP nowhere.")
    assert "SECURE_PROXY_SSL_HEADER" in finding.remedy


def test_another_host_is_none_of_our_business(explain):
    assert explain(APP, (page(), moved("https://login.example.com/"))) is None
