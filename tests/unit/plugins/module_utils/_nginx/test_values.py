"""Each value is read as nginx and the C library read it, not as it looks."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import values

LONGEST_LABEL = "a" * 63
LONGEST_SOCKET = f"/{'a' * 106}"

ACCEPTED = [
    (
        values.check_server_name,
        [
            *("example.com", "*.example.com", ".example.com", "mail.example.*", "a_b.example", "UPPER.example", "x"),
            *("192.0.2.1", "xn--bcher-kva.example", f"{LONGEST_LABEL}.example", ".".join([LONGEST_LABEL] * 3)),
        ],
    ),
    (values.check_size, ["0", "1024", "1k", "20m", "20M", "1G", "512k", "8589934591g", "9223372036854775807"]),
    (values.check_time, ["1", "60s", "500ms", "5m", "2h", "24d", "2147483647ms"]),
    (values.check_text, ["a b", 'a"b\\', "a;b{}#", "é", "日本", "a" * 1000]),
    (
        values.check_path,
        [
            "/",
            "/static/",
            "/robots.txt",
            "/a b/",
            "/é/",
            "/a.b/",
            "/a../",
            "/100%/",
            "/.well-known/",
            "/gatehouse-pages-2",
        ],
    ),
    (values.check_alias, ["/srv/static/", "/srv/a b/", "/srv//x/", "/srv/x..y/", "/srv/robots.txt"]),
    (
        values.check_proxy_pass,
        [
            *(
                "http://127.0.0.1:8000",
                "http://[::1]:8000",
                "http://[2001:db8::1]",
                "http://app1",
                "http://a.b-c.d:65535",
            ),
            *("http://unix:/run/app.sock", "http://unix:/run/a b.sock", f"http://unix:{LONGEST_SOCKET}"),
        ],
    ),
]


@pytest.mark.parametrize(("check", "value"), [(check, value) for check, good in ACCEPTED for value in good])
def test_accepts(check, value):
    """Smoke test: nothing is raised."""
    check(value)


REFUSED = [
    (
        values.check_server_name,
        "is not a host name",
        [
            *(
                "",
                "_",
                "*",
                "*.*",
                "a.*.b",
                "*.example.*",
                ".example.*",
                "a..b",
                "example.com.",
                "-a.b",
                "a-.b",
                "bücher.de",
            ),
            *("a\n", "~x", "$host", "a:80", f"{LONGEST_LABEL}a.example", ".".join([LONGEST_LABEL] * 4), "٣.de"),
        ],
    ),
    (values.check_size, "is not a size", ["", "m", "-1", "1.5m", "20mb", "٣m", "1 m", "1m\n"]),
    (values.check_size, "is larger than nginx supports", ["9223372036854775808", "8589934592g", "9" * 30]),
    (values.check_time, "is not a time", ["", "s", "-1s", "1.5s", "5 m", "1h30m", "1M", "1y", "٣s"]),
    (values.check_time, "would time out at once", ["0", "0s", "00ms"]),
    (values.check_time, "is longer than nginx supports", ["25d", "2147483648ms", "9" * 30]),
    (values.check_text, "is empty", [""]),
    (values.check_text, "contains '$'", ["$host", "a${b}"]),
    (values.check_text, "contains a control character", ["a\nb", "a\0", "\x7f", "\t"]),
    (values.check_text, "contains a byte that is not UTF-8", ["\ud800", "a\udcff"]),
    (values.check_text, "is longer than 1000 bytes", ["a" * 1001, "é" * 501]),
    (values.check_path, "must start with '/'", ["x", "= /", "~ /", "^~ /a", "@a", " /"]),
    (
        values.check_path,
        "never matches a request",
        ["/a//b/", "//", "/./", "/../", "/a/..", "/a/.", "/a%20b/", "/a?b"],
    ),
    (
        values.check_file_path,
        "has a part that starts with '.'",
        ["/.git/", "/a/.b/c/", "/.env", "/.well-knownx/", "/..a"],
    ),
    (values.check_path, "is reserved", ["/gatehouse-pages/", "/gatehouse-pages", "/gatehouse-pages/502.html"]),
    (values.check_path, "is reserved", ["/gatehouse-bad-request", "/gatehouse-bad-request/"]),
    (values.check_alias, "is relative", ["srv/", "~/x/", "./"]),
    (values.check_alias, "contains '..'", ["/srv/../etc/", "/.."]),
    (values.check_alias, "is the root of the file system", ["/", "//", "///", "/./"]),
    (
        values.check_proxy_pass,
        "needs a scheme and an address",
        ["127.0.0.1:8000", "a", "http://", "HTTP://a", "http:///x", "ftp://a", "http://[::1", "http://:80"],
    ),
    (values.check_proxy_pass, "uses TLS", ["https://a", "https://unix:/run/a.sock"]),
    (
        values.check_proxy_pass,
        "needs the absolute path of a socket",
        ["http://unix:", "http://unix:/", "http://unix:a"],
    ),
    (values.check_proxy_pass, "needs the absolute path of a socket", ["http://unix:/run/app.sock/"]),
    (values.check_proxy_pass, "has a socket path of more than 107 bytes", [f"http://unix:{LONGEST_SOCKET}a"]),
    (
        values.check_proxy_pass,
        "has an invalid host",
        [
            *(
                "http://8000",
                "http://1.2.3",
                "http://999.0.0.1",
                "http://010.0.0.1",
                "http://0x7f000001",
                "http://a..b",
            ),
            *(
                "http://[1::2::3]",
                "http://[fe80::1%eth0]:80",
                "http://-",
                "http://_",
                "http://a b",
                "http://u@a",
                "http://a;",
            ),
        ],
    ),
    (
        values.check_proxy_pass,
        "has an invalid port",
        ["http://a:", "http://a:0", "http://a:65536", "http://a:http", "http://a:٨٠", "http://[::1]:x"],
    ),
    (values.check_proxy_pass, "has a URI part", ["http://a/", "http://a:80/x", "http://a?b", "http://unix:/a.sock:/"]),
]


@pytest.mark.parametrize(
    ("check", "reason", "value"), [(check, reason, value) for check, reason, bad in REFUSED for value in bad]
)
def test_refuses(check, reason, value):
    with pytest.raises(ValueError) as refusal:
        check(value)
    assert str(refusal.value).startswith(reason)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        *(("80", "80"), ("080", "80"), ("*:80", "80"), ("0.0.0.0:80", "80"), ("192.0.2.1:8080", "192.0.2.1:8080")),
        *(("[::]:80", "[::]:80"), ("[0:0::0]:80", "[::]:80"), ("[2001:DB8::1]:080", "[2001:db8::1]:80")),
    ],
)
def test_one_address_has_one_form(value, address):
    assert values.listen_address(value) == address


@pytest.mark.parametrize(
    "value",
    [
        *("", "0", "65536", "-1", "80-82", "http", "80 ssl", "80\n", "٨٠", ":80", "unix:/run/x", "127.0.0.1", "[::1]"),
        *("999.0.0.1:80", "1.2.3:80", "[1::2::3]:80", "[::ffff:192.0.2.1]:80", "[fe80::1%eth0]:80", "[127.0.0.1]:80"),
    ],
)
def test_refuses_invalid_addresses(value):
    with pytest.raises(ValueError, match="is not a port or address:port"):
        values.listen_address(value)


@pytest.mark.parametrize("value", ["localhost:80", "www.example.com:8080"])
def test_refuses_to_listen_on_a_name(value):
    with pytest.raises(ValueError, match="has a host name, which nginx would have to resolve before it can start"):
        values.listen_address(value)


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("Example.com", ["example.com"]),
        (".Example.com", ["example.com", "*.example.com"]),
        ("*.example.com", ["*.example.com"]),
    ],
)
def test_claims(name, entries):
    assert values.claims(name) == entries


def test_a_message_quotes_a_value_on_one_line_and_shortened():
    assert values.shown("a") == "'a'"
    assert values.shown("a\nb\0") == r"'a\nb\x00'"
    assert values.shown("a" * 999) == f"'{'a' * 200}...'"
