"""Protected files are guarded by Django and sent by nginx (X-Accel-Redirect)."""

import pytest
from helpers.http import Visitor

CONTENT = b"for members only\n" * 1000


@pytest.fixture(scope="module", autouse=True)
def protected_file(host):
    directory = "/srv/guestbook/data/protected"
    host.check_output("install -d -o guestbook -g www-data -m 2750 %s", directory)
    host.check_output("yes 'for members only' | head -1000 > %s", f"{directory}/secret.txt")
    host.check_output("chmod 0644 %s", f"{directory}/secret.txt")


@pytest.fixture(scope="module")
def member(address, password):
    visitor = Visitor(address, "guestbook.example.test")
    visitor.log_in("/admin/login/", "visitor", password)
    return visitor


def test_an_anonymous_visitor_is_redirected_to_the_login(guestbook):
    answer = guestbook.get("/protected/secret.txt")
    assert answer.status == 302
    assert "login" in answer.headers["Location"]
    assert CONTENT[:16] not in answer.body


def test_a_member_gets_the_file(member):
    answer = member.get("/protected/secret.txt")
    assert answer.status == 200
    assert answer.body == CONTENT


def test_shared_caches_do_not_keep_the_file(member):
    answer = member.get("/protected/secret.txt")
    assert "private" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_nginx_sends_the_file(member):
    """Django's view sends no body and knows nothing of ranges."""
    answer = member.get("/protected/secret.txt", range="bytes=0-15")
    assert (answer.status, answer.body) == (206, CONTENT[:16])


def test_no_answer_names_the_internal_path(member):
    assert "X-Accel-Redirect" not in member.get("/protected/secret.txt").headers


@pytest.mark.parametrize("path", ["/protected-files/secret.txt", "/protected-files/", "//protected-files/secret.txt"])
def test_a_visitor_cannot_request_the_internal_path(member, path):
    answer = member.get(path)
    assert answer.status == 404
    assert CONTENT[:16] not in answer.body


@pytest.mark.parametrize("name", ["..%2fdb.sqlite3", "%2e%2e/db.sqlite3", ".hidden"])
def test_a_member_gets_no_other_file(member, name):
    answer = member.get(f"/protected/{name}")
    assert answer.status in (400, 403, 404)
    assert b"SQLite format" not in answer.body


def test_a_missing_file_is_not_found(member):
    assert member.get("/protected/gone.txt").status == 404
