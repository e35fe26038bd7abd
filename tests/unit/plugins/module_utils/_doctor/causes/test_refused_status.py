"""Who refuses a request, and by which rule or limit."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import refused_status
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

APP = "location / { proxy_pass http://127.0.0.1:1; }"
NGINX = "<hr><center>nginx/1.26.3</center>"
SERVER = "<h1><p>Request Header Fields Too Large</p></h1> Limit"


@pytest.mark.parametrize(
    ("status", "rule", "words"),
    [
        (401, "auth_basic shop;", "'auth_basic shop' ("),
        (403, "auth_request /auth;", "'auth_request /auth' ("),
        (411, "", "Read "),
        (413, "client_max_body_size 1k;", "'client_max_body_size 1k' ("),
        (414, "", "large_client_header_buffers is 4 8k, nginx's default"),
        (429, "limit_req zone=a;", "'limit_req zone=a' ("),
        (431, "large_client_header_buffers 4 1k;", "'large_client_header_buffers 4 1k' ("),
    ],
)
def test_nginx_refuses(visit_to, status, rule, words):
    finding = refused_status.explain(visit_to(f"{rule}\n{APP}", ("http://shop.test/x", Answer(status, body=NGINX))))
    assert finding.cause.startswith(f"nginx itself answers {status} to /x (location /, ")
    assert words in finding.cause + finding.remedy


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(401, challenge="Bearer"), "it asks for a login (Bearer)"),
        (Answer(403, body="<h1>not you</h1><script>x</script>"), "passes it on): not you."),
        (Answer(405, allow="POST"), "this URL takes POST, and the doctor sends GET"),
        (Answer(413, body="<p>big</p>"), "passes it on): big."),
        (Answer(431, body=SERVER), "This is a limit of gunicorn"),
    ],
)
def test_the_application_refuses(visit_to, answer, words):
    finding = refused_status.explain(visit_to(APP, ("http://shop.test/x", answer)))
    assert finding.cause.startswith(f"The application behind http://127.0.0.1:1 itself answers {answer.status} to /x (")
    assert words in finding.cause


def test_cookies_that_are_too_large_for_gunicorn(visit_to):
    """A page sets them twice, and redirects."""
    login = ("http://shop.test/login", Answer(302, location="/x", cookies=("a=1", f"a={'x' * 11000}")))
    finding = refused_status.explain(visit_to(APP, login, ("http://shop.test/x", Answer(431, body=SERVER))))
    assert "This is a limit of gunicorn, and the cookies have 11002 bytes" in finding.cause
    assert "fewer or shorter cookies, or write `--limit-request-field_size 16380`" in finding.remedy
    login = ("http://shop.test/login", Answer(302, location="/x", cookies=(f"a={'x' * 17000}",)))
    finding = refused_status.explain(visit_to(APP, login, ("http://shop.test/x", Answer(431, body=SERVER))))
    assert "`--limit-request-field_size 32760`" in finding.remedy


def test_the_file_of_the_users_is_missing(failed_visit):
    rules = "auth_basic x; auth_basic_user_file /etc/nginx/users;"
    words = 'open() "/etc/nginx/users" failed (2: No such file or directory)'
    finding = refused_status.explain(failed_visit(f"{rules}\n{APP}", words, status=403))
    assert "it cannot read the users of auth_basic, /etc/nginx/users (" in finding.cause
    assert finding.cause.endswith("No such file or directory.")


@pytest.mark.parametrize(
    ("status", "is_reported"), [(401, False), (403, False), (429, False), (414, True), (431, True)]
)
def test_a_page_that_the_operator_does_not_name(visit_to, status, is_reported):
    visit = visit_to(APP, ("http://shop.test/x", Answer(status, body=NGINX)), is_target=False)
    assert bool(refused_status.explain(visit)) is is_reported


@pytest.fixture
def managed(failed_visit, tmp_path):
    """managed(directives, messages...): the finding for a path of a site that Gatehouse wrote."""
    (tmp_path / "gatehouse/sites").mkdir(parents=True)

    def managed(directives, *messages, status=429):
        site = f"server {{ server_name shop.test; location = /x {{ {directives} proxy_pass http://127.0.0.1:1; }} }}"
        (tmp_path / "gatehouse/sites/shop.conf").write_text(site)
        return refused_status.explain(
            failed_visit("", *messages, status=status, path="/x", file="include gatehouse/sites/*.conf;")
        )

    return managed


BOTH = "limit_req zone=a; limit_conn b 1;"


@pytest.mark.parametrize(
    ("directives", "message", "status", "cause", "option"),
    [
        (BOTH, 'limiting requests, excess: 1.0 by zone "a"', 429, "'limit_req zone=a'", "rate: VALUE, burst: NUMBER"),
        (BOTH, 'limiting connections by zone "b"', 429, "'limit_conn b 1'", "connections: NUMBER"),
        (
            "client_max_body_size 1k;",
            "client intended",
            413,
            "'client_max_body_size 1k'",
            "client_max_body_size: VALUE",
        ),
        ("allow 10.0.0.0/8; deny all;", "access forbidden by rule", 403, "'allow' for 10.0.0.0/8", "allow: [ADDRESS]"),
        ("auth_basic x;", 'user "a" was not found', 401, "'auth_basic x'", "basic_auth: {}"),
    ],
)
def test_the_remedy_names_the_option_of_the_path(managed, directives, message, status, cause, option):
    finding = managed(directives, message, status=status)
    assert cause in finding.cause
    assert f"write `{option}` below `paths['/x']` in the entry of the site shop in django_sites" in finding.remedy
