"""What clients get of an application that is slow, and what it gets of slow clients: docs/limits.md has the values."""

import socket

import pytest
from helpers.hosts import eventually
from helpers.sites import extra as site
from helpers.states import transient_service

MEGABYTES = 64
# Port 8111 takes connections and reads nothing. The queue of port 8112 is full.
APP = f"""
import http.server, pathlib, socket, time

class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(2 if self.path.endswith("/slow") else 0)
        self.send_response(200)
        self.end_headers()
        if self.path.endswith("/large"):
            for _megabyte in range({MEGABYTES}):
                self.wfile.write(b"x" * 2**20)
            pathlib.Path("/run/slow-app" + self.path.replace("/", "-")).touch()

unread, full = socket.create_server(("127.0.0.1", 8111)), socket.create_server(("127.0.0.1", 8112), backlog=0)
waiting = [socket.socket() for _number in range(4)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(("127.0.0.1", 8112))
http.server.ThreadingHTTPServer(("127.0.0.1", 8110), App).serve_forever()
"""


def location(path, port=8110, **options):
    return {"path": path, "proxy_pass": f"http://127.0.0.1:{port}", **options}


@pytest.fixture
def slow_app(driver, undo):
    undo("rm -f /run/slow-app-*")
    sites = site(
        snippet=None,
        locations=[
            location("/", proxy_read_timeout="1s"),
            location("/export/", proxy_read_timeout="1m"),
            location("/unread/", 8111, proxy_send_timeout="1s"),
            location("/full/", 8112, proxy_connect_timeout="1s"),
            location("/held/", snippet="proxy_max_temp_file_size 8m;"),
        ],
    )
    with transient_service(driver, "slow-app", "python3", "-c", APP):
        eventually(lambda: driver.shell("ss -Hltn sport = :8110"))
        published = driver.publish(sites)
        assert not published["failed"], published["msg"]
        yield


def test_each_timeout_is_504(slow_app, extra):
    assert extra.get("/slow").status == 504
    assert extra.request("POST", "/unread/", body=b"x" * 19_000_000).status == 504
    assert extra.get("/full/").status == 504


def test_a_path_has_a_timeout_of_its_own(slow_app, extra):
    assert extra.get("/export/slow").status == 200


def test_a_large_answer_holds_the_application_only_beyond_the_file_of_nginx(slow_app, driver, address):
    """nginx reads an answer into a file, of up to 1 GB. One path has a limit of 8 MB here."""
    free, held = (reader(address, path) for path in ("/large", "/held/large"))
    with free, held:
        eventually(lambda: driver.shell("ls /run/slow-app-large || true"))
        assert driver.shell("ls /run/slow-app-held-large || true") == ""
        for one in (free, held):
            assert received(one) > MEGABYTES * 2**20
    assert driver.shell("ls /run/slow-app-held-large")


def reader(address, path):
    """A client that reads nothing yet. Its buffer is small before it connects, or the kernel would take much itself."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    client.settimeout(60)
    client.connect((address, 80))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: extra.example.test\r\nConnection: close\r\n\r\n".encode())
    return client


def received(client):
    return sum(iter(lambda: len(client.recv(2**20)), 0))
