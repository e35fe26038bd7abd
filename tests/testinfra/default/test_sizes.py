"""What nginx accepts reaches the app, under ASGI and under WSGI. nginx refuses larger requests (docs/limits.md)."""

import pytest
from helpers.http import raw

# gunicorn would take no line of more than 8,190 bytes.
LINE = 32 * 1024
SPACE = len("GET  HTTP/1.1\r\n")
GUESTBOOK, WAGTAIL = "guestbook.example.test", "wagtail.example.test"


def status(address, name, path="/", *headers):
    lines = [f"GET {path} HTTP/1.1", f"Host: {name}", "Connection: close", *headers]
    answer = raw(address, ("\r\n".join(lines) + "\r\n\r\n").encode())
    return int(answer.split()[1]), answer


def url(length):
    start = "/sizes/?"
    return start + "a" * (length - len(start))


@pytest.mark.parametrize("length", [7000, 8190, LINE - SPACE])
def test_a_long_url_reaches_the_app(guestbook, address, length):
    assert guestbook.get(url(length)).json()["query"] == length - len("/sizes/?")
    # Wagtail has no such page.
    code, answer = status(address, WAGTAIL, url(length))
    assert code in (200, 404)
    assert b"<center>nginx" not in answer


def test_a_longer_url_is_refused_by_nginx(address):
    code, answer = status(address, GUESTBOOK, url(LINE - SPACE + 1))
    assert code == 414
    assert b"<center>nginx" in answer


@pytest.mark.parametrize("length", [8192, 20_000, LINE - len("X-Long: \r\n")])
def test_a_long_header_reaches_the_app(guestbook, address, length):
    assert guestbook.get("/sizes/", x_long="b" * length).json()["header"] == length
    assert status(address, WAGTAIL, "/sizes/", f"X-Long: {'b' * length}")[0] in (200, 404)


def test_a_longer_header_is_refused_by_nginx(address):
    code, answer = status(address, GUESTBOOK, "/", f"X-Long: {'b' * LINE}")
    assert code == 400
    assert b"Request Header Or Cookie Too Large" in answer


def test_four_long_headers_are_too_many(address):
    """nginx has four buffers for a request."""
    headers = [f"X-Long-{number}: {'b' * (LINE - 100)}" for number in range(5)]
    assert status(address, GUESTBOOK, "/sizes/", *headers[:3])[0] == 200
    assert status(address, GUESTBOOK, "/sizes/", *headers)[0] == 400


def test_many_headers_reach_the_app(guestbook, address):
    headers = {f"X-Number-{number}": "n" for number in range(900)}
    assert guestbook.request("GET", "/sizes/", headers).json()["headers"] == 900
    assert status(address, WAGTAIL, "/sizes/", *(f"{name}: n" for name in headers))[0] in (200, 404)


def test_more_headers_than_a_thousand_are_refused(address):
    for name in (GUESTBOOK, WAGTAIL):
        code, _answer = status(address, name, "/sizes/", *(f"X-Number-{number}: n" for number in range(1001)))
        assert code in (400, 431)


def test_the_cookies_of_a_login_are_set_and_sent_back(guestbook):
    answer = guestbook.get("/sizes/?cookies=17")
    assert answer.status == 200
    assert len(answer.headers.get_all("Set-Cookie")) == 17
    assert guestbook.get("/sizes/").json()["cookie"] == 17 * 1000 - len("; ")


def test_more_headers_of_a_response_than_nginx_takes(guestbook):
    answer = guestbook.get("/sizes/?cookies=40")
    assert answer.status == 502
    assert answer.title() == "Temporarily unavailable"


@pytest.mark.parametrize(
    "body",
    ["message=" + "m" * (2621440 + 1), "&".join(f"f{number}=" for number in range(1001))],
    ids=["size", "fields"],
)
def test_a_form_that_django_does_not_read(guestbook, body):
    """DATA_UPLOAD_MAX_MEMORY_SIZE and DATA_UPLOAD_MAX_NUMBER_FIELDS."""
    guestbook.get("/")  # the cookie without which Django does not look for the token
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert guestbook.request("POST", "/", form, body.encode()).status == 400


@pytest.mark.parametrize(("files", "expected"), [(100, 403), (101, 400)])
def test_a_form_with_more_files_than_django_reads(guestbook, files, expected):
    """DATA_UPLOAD_MAX_NUMBER_FILES. Of a form that it reads, Django misses the token."""
    guestbook.get("/")
    part = '--x\r\nContent-Disposition: form-data; name="file"; filename="a{}"\r\n\r\n\r\n'
    body = "".join(map(part.format, range(files))) + "--x--\r\n"
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert guestbook.request("POST", "/", form, body.encode()).status == expected
