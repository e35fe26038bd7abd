"""What keepalived asks nginx each second, and which answers keep the addresses on the host."""

import socket
import subprocess
import threading
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parents[4] / "roles/keepalived/files/nginx-answers"
NGINX = "/dev/tcp/127.0.0.1/80"


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def check(port):
    """The exit status of the check, which asks *port*."""
    text = CHECK.read_text()
    assert NGINX in text
    script = text.replace(NGINX, f"/dev/tcp/127.0.0.1/{port}")
    return subprocess.run(["bash", "-c", script], check=False, timeout=30).returncode


def asked(server, answer):
    """The exit status, and what the check sends to a server that gives *answer* and closes the connection."""
    received = []

    def serve():
        connection, _client = server.accept()
        with connection:
            with connection.makefile("rb") as lines:
                received.extend(iter(lines.readline, b"\r\n"))
            connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    status = check(server.getsockname()[1])
    thread.join(30)
    return status, received


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n", b"", b"-"])
def test_any_answer_keeps_the_addresses(server, answer):
    status, _received = asked(server, answer)
    assert status == 0


def test_no_site_is_asked(server):
    """nginx refuses HTTP/1.1 without a Host header before it looks for a site's location."""
    _status, received = asked(server, b"")
    assert received == [b"HEAD / HTTP/1.1\r\n"]


def test_a_frozen_nginx_gives_the_addresses_up(server):
    # The kernel takes the connection, and nothing accepts it.
    assert check(server.getsockname()[1]) == 1


def test_a_stopped_nginx_gives_the_addresses_up(server):
    port = server.getsockname()[1]
    server.close()
    assert check(port) == 1
