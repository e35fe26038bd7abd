"""The admin works through the proxy with Django's CSRF protection on."""

import pytest

LOGIN = "/admin/login/"


def test_the_admin_accepts_the_right_password(guestbook, password):
    answer = guestbook.log_in(LOGIN, "visitor", password)
    assert answer.status == 302
    assert answer.headers["Location"] in ("/admin/", "http://guestbook.example.test/admin/")
    page = guestbook.get("/admin/")
    assert page.status == 200
    assert "Site administration" in page.text


def test_the_admin_refuses_a_wrong_password(guestbook, password):
    answer = guestbook.log_in(LOGIN, "visitor", password + "!")
    assert answer.status == 200
    assert guestbook.get("/admin/").status == 302


def test_a_login_without_the_token_is_refused(guestbook, password):
    guestbook.get(LOGIN)
    assert guestbook.submit(LOGIN, {"username": "visitor", "password": password}).status == 403


@pytest.mark.parametrize("origin", ["http://evil.example.test", "https://guestbook.example.test", "null"])
def test_a_login_sent_from_another_origin_is_refused(guestbook, password, origin):
    token = guestbook.get(LOGIN).csrf_token()
    body = f"username=visitor&password={password}&csrfmiddlewaretoken={token}".replace(" ", "+").encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
    assert guestbook.request("POST", LOGIN, headers, body).status == 403


def test_the_login_redirects_to_the_requested_page(guestbook):
    answer = guestbook.get("/admin/auth/user/")
    assert answer.status == 302
    assert answer.headers["Location"].endswith("/admin/login/?next=/admin/auth/user/")


def test_the_stylesheets_of_the_admin_come_from_nginx(host, guestbook):
    import re

    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', guestbook.get(LOGIN).text)
    assert sheets
    for sheet in sheets:
        answer = guestbook.get(sheet)
        assert answer.status == 200, sheet
        assert answer.headers["Cache-Control"].endswith("immutable"), sheet
        assert answer.body == host.file("/srv/guestbook/current" + sheet).content, sheet
