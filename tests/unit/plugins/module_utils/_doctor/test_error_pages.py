"""Whether nginx wrote an answer that is a page of the site's own."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

OWN = "<html><title>Our own page</title></html>"
SITE = """
{rules}
location ^~ /gatehouse-pages/ {{ internal; alias TMP/pages_shop/; }}
location / {{ proxy_pass http://127.0.0.1:1; {location} }}
"""


@pytest.fixture
def is_by_nginx(visit_to, tmp_path):
    """is_by_nginx(status, rules of the server...): for an answer whose body is the site's own page."""
    (tmp_path / "pages_shop").mkdir()

    def is_by_nginx(status, rules="", location="", body=OWN, challenge=""):
        (tmp_path / f"pages_shop/{status}.html").write_text(OWN)
        answer = Answer(status, body=body, challenge=challenge)
        return visit_to(SITE.format(rules=rules, location=location), ("http://shop.test/x", answer)).is_by_nginx

    return is_by_nginx


@pytest.mark.parametrize(
    ("status", "rules", "location"),
    [
        (401, "error_page 401 /gatehouse-pages/401.html;", ""),
        (405, "error_page 404 /x.html; error_page 403 405 /gatehouse-pages/405.html;", ""),
        (400, "error_page 494 /gatehouse-pages/400.html;", ""),
        (404, "", "error_page 404 /gatehouse-pages/404.html;"),
    ],
)
def test_the_page_of_the_site(is_by_nginx, status, rules, location):
    assert is_by_nginx(status, rules, location)
    # The answer may be longer than what the doctor reads of it.
    assert is_by_nginx(status, rules, location, body=OWN[:-5])


@pytest.mark.parametrize(
    ("status", "rules", "location", "body"),
    [
        (401, "error_page 401 /gatehouse-pages/401.html;", "", "<html><title>The application's</title></html>"),
        (401, "error_page 403 /gatehouse-pages/401.html;", "", OWN),
        (401, "error_page 401 /gatehouse-pages/401.html;", "error_page 404 /other.html;", OWN),
        (401, "error_page 401 /gatehouse-pages/401.html;", "", ""),
        (401, "error_page 401 /gatehouse-pages/none.html;", "", OWN),
        (401, "error_page 401 @handler;", "", OWN),
    ],
)
def test_an_answer_of_the_application(is_by_nginx, status, rules, location, body):
    assert not is_by_nginx(status, rules, location, body=body)


@pytest.mark.parametrize(
    ("rule", "challenge", "expected"),
    [
        ('auth_basic "shop /x";', 'Basic realm="shop /x"', True),
        ("auth_basic $host;", 'Basic realm="shop.test"', True),
        ('auth_basic "shop /x";', 'Basic realm="another"', False),
        ('auth_basic "shop /x";', "Bearer", False),
        ("auth_basic off;", 'Basic realm="off"', False),
        ("", 'Basic realm="shop /x"', False),
    ],
)
def test_the_challenge_of_nginx(is_by_nginx, rule, challenge, expected):
    """It logs nothing when a request has no password."""
    assert is_by_nginx(401, rule, body="", challenge=challenge) is expected
