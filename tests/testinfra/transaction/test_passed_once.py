"""An application closes the connection without an answer: nginx repeats only what changes nothing."""

import pytest
from helpers.http import raw
from helpers.sites import extra

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "MKCOL", "MOVE", "COPY", "REPORT"]
READS = METHODS[:3]
LOG = "/run/passed-once"
# It answers /first and keeps the connection, and closes it after every other request.
SERVER = f"""
import socketserver
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            method, path, _version = line.decode().split()
            while self.rfile.readline().strip():
                pass
            open("{LOG}", "a").write(method + path + chr(10))
            if path != "/first":
                return
            self.wfile.write(b"HTTP/1.1 204 No Content" + bytes([13, 10, 13, 10]))
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
Server(("127.0.0.1", 8008), Handler).serve_forever()
"""


@pytest.fixture
def asked(driver, address, undo):
    """How often the application gets a request of a method."""
    driver.shell(f"systemd-run --quiet --unit=passed-once python3 -c '{SERVER}'")
    undo(f"systemctl stop passed-once; rm -f {LOG}")
    driver.shell("until ss -Hltn 'sport = 8008' | grep -q .; do sleep 0.1; done")
    made = driver.publish(extra(locations=[{"path": "/", "proxy_pass": "http://127.0.0.1:8008"}]))
    assert not made["failed"], made["msg"]

    def asked(method):
        for one in (f"{method} /first", f"{method} /{method}"):
            request = f"{one} HTTP/1.1\r\nHost: extra.example.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            answer = raw(address, request.encode())
        assert answer.split()[1] == b"502"
        return int(driver.shell(f"grep -cx {method}/{method} {LOG}"))

    return asked


def test_only_what_changes_nothing_is_passed_again(asked):
    counts = {method: asked(method) for method in METHODS}
    assert {method: count for method, count in counts.items() if method not in READS and count != 1} == {}
    assert all(counts[method] > 1 for method in READS)
