"""nginx buffers slow requests and responses for the app, and keeps its connections to the app open."""

import socket
import time

SLOW = 3  # seconds
NAME = "guestbook.example.test"


def test_the_app_finishes_before_a_slow_reader(address, logged, mark):
    request = f"GET /large?megabytes=16&mark={mark} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"
    with socket.socket() as visitor:
        # Small, before the connection is made: else the kernel would take much of the response itself.
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        visitor.connect((address, 80))
        visitor.sendall(request.encode())
        time.sleep(SLOW)
        received = 0
        while chunk := visitor.recv(65536):
            received += len(chunk)
    assert received > 16 * 1024 * 1024
    assert_the_app_was_not_held_up(logged(mark))


def test_the_app_gets_a_slow_upload_as_a_whole(address, logged, mark):
    head = f"POST /whoami?mark={mark} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n"
    with socket.create_connection((address, 80), timeout=60) as visitor:
        visitor.sendall(head.encode() + b"x" * 100_000)
        time.sleep(SLOW)
        visitor.sendall(b"x" * 100_000)
        assert visitor.makefile("rb").readline().startswith(b"HTTP/1.1 ")
    assert_the_app_was_not_held_up(logged(mark))


def assert_the_app_was_not_held_up(entry):
    assert entry["request_time"] >= SLOW - 0.1
    assert float(entry["upstream_time"]) < SLOW - 1


def test_the_connection_to_the_app_is_kept_for_the_next_request(host, guestbook):
    assert guestbook.get("/whoami").status == 200
    assert host.run("ss --no-header --unix state connected | grep /srv/guestbook/.*/web.sock").rc == 0
