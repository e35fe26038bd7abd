"""What Django is told of a request, and which headers of a visitor nginx drops."""

import json

import pytest
from helpers.http import raw

FORWARDED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Protocol": "ssl",
    "X-Forwarded-Scheme": "https",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-Host": "evil.example.test",
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Server": "evil.example.test",
    "X-Forwarded-Prefix": "/evil",
    "X-Real-Ip": "203.0.113.7",
    "Forwarded": "for=203.0.113.7;host=evil.example.test;proto=https",
    "X-Accel-Redirect": "/protected-files/secret.txt",
    # Libraries for HTTP believe HTTP_PROXY, which is what a CGI program makes of it (httpoxy).
    "Proxy": "http://203.0.113.7:3128",
}


@pytest.fixture
def own_address(address):
    """This machine's address, as the host sees it."""
    import socket

    with socket.create_connection((address, 80), timeout=5) as connection:
        return connection.getsockname()[0]


def test_django_sees_the_name_and_the_scheme_that_the_visitor_used(guestbook):
    seen = guestbook.get("/whoami").json()
    assert seen["host"] == "guestbook.example.test"
    assert seen["scheme"] == "http"
    assert seen["absolute"] == "http://guestbook.example.test/"
    assert not seen["is_secure"]


def test_django_sees_the_address_of_the_client(guestbook, own_address):
    assert guestbook.get("/whoami").json()["remote_addr"] == own_address


def test_nginx_sends_only_the_documented_forwarding_headers(guestbook, own_address):
    seen = {key: value for key, value in guestbook.get("/whoami").json()["meta"].items() if value}
    seen.pop("HTTP_X_REQUEST_ID", None)
    assert seen == {"HTTP_X_FORWARDED_FOR": own_address, "HTTP_X_FORWARDED_PROTO": "http"}


def test_forwarding_headers_of_a_visitor_change_nothing(guestbook):
    honest = guestbook.get("/whoami").json()
    spoofed = guestbook.request("GET", "/whoami", FORWARDED).json()
    for key in ("host", "scheme", "is_secure", "absolute", "remote_addr"):
        assert spoofed[key] == honest[key], key


@pytest.mark.parametrize("header", sorted(FORWARDED))
def test_no_forwarding_header_of_a_visitor_reaches_django(guestbook, header):
    seen = guestbook.request("GET", "/whoami", {header: FORWARDED[header]}).json()["meta"]
    assert FORWARDED[header] not in seen.values()


def test_no_forwarding_header_with_an_underscore_reaches_django(guestbook):
    seen = guestbook.request("GET", "/whoami", {"X_Forwarded_Proto": "https", "X_Forwarded_For": "203.0.113.7"}).json()
    assert seen["scheme"] == "http"
    assert "203.0.113.7" not in seen["meta"].values()


def test_an_absolute_redirect_of_django_names_the_site(guestbook):
    answer = guestbook.get("/redirect")
    assert answer.status == 302
    assert answer.headers["Location"].startswith("http://guestbook.example.test/")


def test_a_relative_redirect_of_django_is_passed_on(guestbook):
    answer = guestbook.get("/old")
    assert answer.status in (301, 302)
    location = answer.headers["Location"]
    assert location.startswith("/") or location.startswith("http://guestbook.example.test/")
    assert "sock" not in location and "8000" not in location


def test_a_spoofed_host_never_gets_into_a_redirect(guestbook):
    answer = guestbook.request("GET", "/redirect", {"X-Forwarded-Host": "evil.example.test"})
    assert answer.headers["Location"].startswith("http://guestbook.example.test/")


@pytest.mark.parametrize("written", ["8443", "80", "443", "evil", "", "0", "65536", "8443x", "@evil.example", "8443:1"])
def test_a_mapped_port_reaches_django(address, written):
    """A router or a container maps 8443 to port 80: only the Host header says so. The name comes from elsewhere."""
    head = f"GET /whoami HTTP/1.1\r\nHost: guestbook.example.test:{written}\r\nConnection: close\r\n\r\n"
    answer = raw(address, head.encode())
    if answer.startswith(b"HTTP/1.1 200 "):
        seen = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert seen["absolute"] == f"http://guestbook.example.test{':8443' if written == '8443' else ''}/"
    else:
        assert written not in ("8443", "80", "443", "")


@pytest.mark.parametrize("name", ["guestbook.example.test:80", "GuestBook.Example.TEST", "guestbook.example.test."])
def test_case_and_a_final_dot_of_the_name_do_not_matter(guestbook, name):
    answer = guestbook.request("GET", "/whoami", host=name)
    assert answer.status == 200
    assert answer.json()["host"] == "guestbook.example.test"


def test_the_other_name_redirects_with_path_and_query(guestbook):
    answer = guestbook.request("GET", "/some/path?q=a%20b&c=%2F", host="www.guestbook.example.test")
    assert answer.status == 308
    assert answer.headers["Location"] == "http://guestbook.example.test/some/path?q=a%20b&c=%2F"


def test_a_post_to_the_other_name_is_redirected_as_a_post(guestbook):
    answer = guestbook.request("POST", "/", body=b"name=x", host="www.guestbook.example.test")
    assert answer.status == 308


@pytest.mark.parametrize("name", ["unknown.example.test", "example.test", "localhost", "a.guestbook.example.test"])
def test_an_unknown_name_gets_no_answer(address, name):
    assert raw(address, f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()) == b""


def test_the_bare_address_gets_no_answer(address):
    assert raw(address, f"GET / HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()) == b""


def test_an_unknown_name_gets_no_static_file_either(address, stylesheet):
    assert raw(address, f"GET {stylesheet} HTTP/1.1\r\nHost: unknown.example.test\r\n\r\n".encode()) == b""


def test_a_request_without_a_host_is_refused(address):
    answer = raw(address, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


def test_an_http_1_0_request_without_a_host_gets_no_answer(address):
    assert raw(address, b"GET / HTTP/1.0\r\n\r\n") == b""


def test_two_hosts_in_one_request_are_refused(address):
    hosts = b"Host: guestbook.example.test\r\nHost: evil.example.test\r\n"
    answer = raw(address, b"GET /whoami HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


def test_a_name_in_the_request_line_counts_as_the_host(address):
    line = b"GET http://evil.example.test/whoami HTTP/1.1\r\n"
    assert raw(address, line + b"Host: guestbook.example.test\r\nConnection: close\r\n\r\n") == b""


def test_the_live_release_answers(host, guestbook):
    from helpers.hosts import release_of

    assert guestbook.get("/whoami").json()["release"] == release_of(host, "guestbook")
