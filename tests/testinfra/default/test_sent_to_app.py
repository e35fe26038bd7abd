"""What nginx sends to the app, byte for byte: gunicorn and Django have defences of their own, which may hide a hole."""

import socket

import pytest
from helpers.hosts import eventually, stopped
from helpers.http import raw

NAME = "guestbook.example.test"
SOCKET = "/srv/guestbook/current/web.sock"
# In the app's place: answers each request with what it was sent.
ECHO = f"""
import os, socket
if os.path.exists("{SOCKET}"):
    os.unlink("{SOCKET}")
server = socket.socket(socket.AF_UNIX)
server.bind("{SOCKET}")
os.chmod("{SOCKET}", 0o666)
server.listen()
while True:
    connection = server.accept()[0]
    sent = connection.recv(65536)
    head = f"HTTP/1.1 200 OK\\r\\nContent-Length: {{len(sent)}}\\r\\nConnection: close\\r\\n\\r\\n"
    connection.sendall(head.encode() + sent)
    connection.close()
"""
SPOOFED = [
    *("Forwarded: for=203.0.113.7", "X-Forwarded-For: 203.0.113.7", "X_Forwarded_For: 203.0.113.7"),
    *("X-Forwarded-Proto: https", "X_Forwarded_Proto: https", "X-Forwarded-Host: evil.example.test"),
    *("X-Forwarded-Port: 8443", "X-Forwarded-Protocol: ssl", "X-Forwarded-Scheme: https", "X-Forwarded-Ssl: on"),
    *("X-Forwarded-Server: evil.example.test", "X-Forwarded-Prefix: /evil", "X-Real-IP: 203.0.113.7"),
    *("X-Accel-Redirect: /protected-files/secret.txt", "X-Request-ID: 7", "Proxy: http://203.0.113.7:3128"),
    *("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAR", "Connection: close, Upgrade, HTTP2-Settings"),
    *("Keep-Alive: timeout=7", "TE: trailers"),
]


@pytest.fixture(scope="module")
def sent(host, address):
    """The request line and the headers that arrive where the app listens, for a request full of lies."""
    with stopped(host, "guestbook"):
        host.check_output("systemd-run --quiet --unit=app-echo python3 -c %s", ECHO)
        try:
            assert eventually(lambda: host.run("ss --no-header --unix --listening | grep %s", SOCKET).rc == 0)
            head = [f"GET /a%20b//c?d=e HTTP/1.1\r\nHost: {NAME}:80", *SPOOFED, "X-Own: kept", "", ""]
            answer = raw(address, "\r\n".join(head).encode()).decode()
        finally:
            host.check_output("systemctl stop app-echo")
    line, *headers = answer.partition("\r\n\r\n")[2].split("\r\n")
    return line, dict(header.split(": ", 1) for header in headers if header)


def test_the_path_is_passed_on_as_it_was_sent(sent):
    assert sent[0] == "GET /a%20b//c?d=e HTTP/1.1"


def test_headers_are_set_and_never_believed(sent, address):
    with socket.create_connection((address, 80), timeout=5) as connection:
        own_address = connection.getsockname()[0]
    headers = dict(sent[1])
    request_id = headers.pop("X-Request-ID")
    assert len(request_id) == 32
    # What is about nobody's identity, and none of a proxy's business.
    assert headers.pop("HTTP2-Settings") == "AAMAAABkAAR"
    assert headers == {
        "Host": NAME,
        "X-Forwarded-For": own_address,
        "X-Forwarded-Proto": "http",
        "X-Own": "kept",
    }
