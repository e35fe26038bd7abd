"""What nginx sends to the app, byte for byte: gunicorn and Django have defences of their own, which may hide a hole."""

import socket

import pytest
from helpers.echo import echoed, echoing, lies
from helpers.http import raw

NAME = "guestbook.example.test"
SPOOFED = [
    *lies("203.0.113.7"),
    # nginx drops a name with an underscore, whatever it is.
    "X_Own: dropped",
    *("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAR", "Connection: close, Upgrade, HTTP2-Settings"),
    *("Keep-Alive: timeout=7", "TE: trailers"),
]


@pytest.fixture(scope="module")
def sent(host, address):
    """The request line and the headers that arrive where the app listens, for a request full of lies."""
    head = [f"GET /a%20b//c?d=e HTTP/1.1\r\nHost: {NAME}:80", *SPOOFED, "X-Own: kept", "", ""]
    with echoing(host, "guestbook"):
        return echoed(raw(address, "\r\n".join(head).encode()))


def test_the_path_is_passed_on_as_it_was_sent(sent):
    assert sent[0] == "GET /a%20b//c?d=e HTTP/1.1"


def test_forwarding_headers_are_replaced(sent, address):
    with socket.create_connection((address, 80), timeout=5) as connection:
        own_address = connection.getsockname()[0]
    headers = dict(sent[1])
    assert len(headers) == len(sent[1])
    request_id = headers.pop("X-Request-ID")
    assert len(request_id) == 32
    # What says nothing of a user, and is no matter of a proxy.
    assert headers.pop("HTTP2-Settings") == "AAMAAABkAAR"
    assert headers == {
        "Host": NAME,
        "X-Forwarded-For": own_address,
        "X-Forwarded-Proto": "http",
        "X-Own": "kept",
    }
