"""nginx closes the connections of clients that stall, each after its own time."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

HOST = b"Host: guestbook.example.test\r\n"
# What is sent before the client stalls, and the seconds after which nginx closes the connection.
STALLS = {
    "headers": (b"GET / HTTP/1.1\r\n" + HOST, 20),
    "a body": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\na", 30),
    "an idle connection": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 75),
}
UNREAD = b"GET /large?megabytes=32 HTTP/1.1\r\n" + HOST + b"\r\n"
SLACK = 5


def seconds_until_closed(address, sent):
    with socket.create_connection((address, 80), timeout=120) as client:
        client.sendall(sent)
        began = time.monotonic()
        with suppress(ConnectionResetError):
            while client.recv(65536):
                pass
        return time.monotonic() - began


def bytes_of_a_reader_that_stalls(address, seconds):
    """What arrives if the client reads nothing for so long."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(120)
        client.connect((address, 80))
        client.sendall(UNREAD)
        time.sleep(seconds)
        received = 0
        with suppress(ConnectionResetError):
            while received < 32 * 1024 * 1024 and (chunk := client.recv(65536)):
                received += len(chunk)
        return received


@pytest.mark.long
def test_stalled_connections_are_closed(address):
    with ThreadPoolExecutor(len(STALLS) + 2) as pool:
        closed = {what: pool.submit(seconds_until_closed, address, sent) for what, (sent, _limit) in STALLS.items()}
        unread = [pool.submit(bytes_of_a_reader_that_stalls, address, seconds) for seconds in (15, 30 + SLACK)]
        for what, (_sent, limit) in STALLS.items():
            assert limit - 1 < closed[what].result() < limit + SLACK, what
        patient, stalled = (one.result() for one in unread)
    assert patient >= 32 * 1024 * 1024
    assert stalled < 32 * 1024 * 1024
