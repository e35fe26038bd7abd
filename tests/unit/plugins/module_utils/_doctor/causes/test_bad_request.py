"""An answer 400, and who gives it."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import bad_request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

PAGE = "<html><center><h1>400 Bad Request</h1></center><center>%s</center><hr><center>nginx/1.26.3</center></html>"
DJANGO = "<h1>Bad Request (400)</h1>"


@pytest.fixture
def explain(visit_to, monkeypatch):
    """explain(lines of the location, body, other=...): *other* is the answer to another path."""

    def explain(more="", body=DJANGO, status=400, other=400, text="location / { proxy_pass http://127.0.0.1:1; MORE }"):
        monkeypatch.setattr(bad_request, "ask", lambda request, cookies, seconds: Answer(other))
        step = ("http://shop.test/page", Answer(status, body=body, began=1.0, ended=2.0))
        return bad_request.explain(visit_to(text.replace("MORE", more), step))

    return explain


def test_a_host_that_nginx_does_not_send(explain, tmp_path):
    finding = explain()
    assert "answers 400 to the Host 127.0.0.1:1, which ALLOWED_HOSTS lacks" in finding.cause
    assert f"without a 'proxy_set_header Host' in {tmp_path}/nginx.conf:3" in finding.cause
    assert finding.remedy.startswith(f"Write 'proxy_set_header Host $host;' in {tmp_path}/nginx.conf:3")


def test_a_host_that_the_project_does_not_allow(explain):
    finding = explain("proxy_set_header Host $host;")
    assert "answers 400 to the Host shop.test" in finding.cause
    assert "(it answers 400 to each path" in finding.cause
    assert 'ALLOWED_HOSTS = ["shop.test"]' in finding.remedy


def test_a_host_that_the_page_of_django_names(explain):
    body = "DisallowedHost: Invalid HTTP_HOST header: &#x27;other.test:8000&#x27;. You may need to add it"
    finding = explain("proxy_set_header Host other.test:8000;", body, other=200)
    assert "to the Host other.test:8000" in finding.cause
    assert 'ALLOWED_HOSTS = ["other.test"]' in finding.remedy
    # Of a visitor, or of the app's own invention.
    finding = explain("proxy_set_header Host $host;", body)
    assert 'ALLOWED_HOSTS = ["shop.test"]' in finding.remedy
    assert "other.test" not in finding.cause + finding.remedy


def test_a_page_that_rejects_the_request(explain):
    finding = explain("proxy_set_header Host $host;", other=404)
    assert "and not to other paths with the same Host: the page rejects the request: Bad Request (400)" in finding.cause
    assert "ALLOWED_HOSTS" not in finding.cause + finding.remedy


@pytest.mark.parametrize(
    ("words", "cause", "remedy"),
    [
        ("The plain HTTP request was sent to HTTPS port", "Port 80 speaks TLS", "Request https://shop.test:80/page."),
        (
            "Request Header Or Cookie Too Large",
            "large_client_header_buffers 4 8k",
            "large_client_header_buffers 4 32k;",
        ),
        ("No required SSL certificate was sent", "without a certificate of their own", "a client certificate"),
    ],
)
def test_nginx_rejects_the_request(explain, words, cause, remedy):
    finding = explain(body=PAGE % words)
    assert cause in finding.cause
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("Request Line is too large (5003 &gt; 4094)", "--limit-request-line 8190"),
        ("Limit request headers fields size", "--limit-request-field_size 16380"),
        ("Contradictory scheme headers", "proxy_set_header X-Forwarded-Proto $scheme;"),
    ],
)
def test_the_server_of_the_application_rejects_the_request(explain, words, remedy):
    finding = explain(body=f"<html><body><h1><p>Bad Request</p></h1>\n{words}</body></html>")
    assert "its server, not Django, rejects the request" in finding.cause
    assert remedy in finding.remedy


def test_another_answer(explain):
    assert explain(status=404) is None


@pytest.fixture
def with_own_page(visit_to, tmp_path):
    """with_own_page(listen, cookie): nginx's answer 400 with a page of the site's own, which does not say why."""
    page = "<title>Our page for bad requests</title>"
    (tmp_path / "400.html").write_text(page)

    def with_own_page(listen="80", cookie=""):
        pages = "error_page 400 494 497 /p/400.html; location /p/ { alias TMP/; }"
        text = f"listen {listen}; {pages} location / {{ proxy_pass http://127.0.0.1:1; }}"
        first = Answer(302, cookies=(cookie,) if cookie else ())
        steps = [("http://shop.test/", first), ("http://shop.test/a", Answer(400, body=page))]
        return bad_request.explain(visit_to(text, *steps))

    return with_own_page


def test_a_page_of_the_site_hides_no_cause(with_own_page):
    assert "a header is too large: its cookies have 9000 bytes" in with_own_page(cookie="c" * 9000).cause
    assert "Port 80 speaks TLS" in with_own_page("80 ssl").cause
    assert with_own_page() is None


def test_a_host_that_a_variable_of_the_environment_lacks(explain, monkeypatch):
    monkeypatch.setattr(bad_request.evidence, "environment", lambda visit: {"DJANGO_ALLOWED_HOSTS": "a.test"})
    finding = explain("proxy_set_header Host $host;")
    assert finding.remedy == 'Add "shop.test" to the variable DJANGO_ALLOWED_HOSTS in the environment of its service.'
