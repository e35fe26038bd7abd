"""nginx passes websockets on the paths that the site names, and on no others."""

import struct
import time

import pytest
from helpers.http import raw
from helpers.websocket import BINARY, CLOSE, TEXT, Websocket

NAME = "guestbook.example.test"
# proxy_read_timeout of the guestbook in the scenario's inventory
TIMEOUT = 10


@pytest.fixture
def echo(address):
    with Websocket(address, NAME, "/ws/echo") as websocket:
        assert websocket.status == 101
        yield websocket


@pytest.mark.parametrize(("kind", "message"), [(TEXT, "Grüße".encode()), (BINARY, b"\x00\xff\x00")])
def test_a_message_is_echoed(echo, kind, message):
    echo.send(kind, message)
    assert echo.receive() == (kind, message)


def test_several_messages_are_echoed(echo):
    for message in (b"one", b"two", b"three"):
        echo.send(TEXT, message)
        assert echo.receive() == (TEXT, message)


def test_a_large_message_is_echoed(echo):
    echo.send(TEXT, b"x" * 200_000)
    assert echo.receive() == (TEXT, b"x" * 200_000)


def test_the_close_is_answered(echo):
    echo.send(CLOSE, struct.pack("!H", 1000))
    kind, payload = echo.receive()
    assert (kind, payload[:2]) == (CLOSE, struct.pack("!H", 1000))


def test_the_upgrade_is_not_offered_on_other_paths(address):
    with Websocket(address, NAME, "/whoami") as websocket:
        assert websocket.status == 200


def test_a_path_without_a_websocket_behind_it_is_refused(address):
    with Websocket(address, NAME, "/ws/nothing") as websocket:
        assert websocket.status == 403


def test_a_plain_request_on_the_websocket_path_is_answered_by_django(guestbook):
    assert guestbook.get("/ws/echo").status == 404


def test_an_idle_websocket_outlives_proxy_read_timeout(echo):
    time.sleep(TIMEOUT + 1)
    echo.send(TEXT, b"still there?")
    assert echo.receive() == (TEXT, b"still there?")


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_other_paths_send_no_upgrade_header_to_django(guestbook, protocol):
    seen = guestbook.request("GET", "/whoami", {"Connection": "Upgrade", "Upgrade": protocol}).json()["meta"]
    assert {"HTTP_UPGRADE", "HTTP_CONNECTION"} & set(seen) == set()


@pytest.mark.parametrize("path", ["/whoami", "/ws/echo"])
def test_no_other_protocol_is_upgraded(address, path):
    """HTTP/2 in clear text (h2c) through a proxy would be a way around the proxy's rules."""
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    answer = raw(address, f"GET {path} HTTP/1.0\r\nHost: {NAME}\r\n{upgrade}\r\n".encode())
    assert answer.split()[1] in (b"200", b"404")
