"""Which requests the balancer repeats on another host: hosts of all kinds, as small servers on the balancer itself."""

from itertools import count

import pytest
from helpers.direct import driver as driver_of
from helpers.hosts import eventually
from helpers.http import Visitor
from helpers.long import LONG

NAME = "repeated.example.test"
PORT = 8091
# Each notes what it gets. "closes" has read the request and gives no answer; "gives back" says that its app did not get
# the request; "fails" answers 503 as an app does in maintenance.
SERVER = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KIND, PORT = sys.argv[1], int(sys.argv[2])

class Handler(BaseHTTPRequestHandler):
    def handle_one_request(self):
        self.raw_requestline = self.rfile.readline()
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with open(f"/run/lab-{PORT}", "a") as file:
            file.write(self.command + " ")
        self.close_connection = True
        if KIND == "closes":
            return
        status = 503 if KIND in ("gives back", "fails") else 200
        answer = json.dumps({"method": self.command, "body": body, "port": PORT, "path": self.path}).encode()
        self.send_response(status)
        if KIND == "gives back":
            self.send_header("X-Accel-Redirect", self.headers["X-Gatehouse-Again"])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
"""
PORTS = {"works": 9101, "closes": 9102, "gives back": 9103, "fails": 9104, "is not there": 9105}
SAFE, UNSAFE = ("GET", "HEAD", "OPTIONS"), ("POST", "PUT", "PATCH", "DELETE", "LOCK", "MKCOL")
# nginx itself treats POST, PATCH and LOCK alike.
IN_TURN = [*SAFE, *UNSAFE] if LONG else ["GET", "POST", "DELETE"]
BODY = b"x" * 100_000
NUMBERS = count(1)


@pytest.fixture(scope="module", autouse=True)
def servers(host):
    driver = driver_of(host.backend.name)
    for kind, port in PORTS.items():
        if kind != "is not there":
            command = f"systemd-run --quiet --collect --unit=lab-{port} python3 -c %s %s %s"
            host.check_output(command, SERVER, kind, str(port))
            eventually(lambda port=port: host.socket(f"tcp://127.0.0.1:{port}").is_listening)
    yield
    host.check_output("systemctl stop 'lab-91*'; rm -f /run/lab-91*")
    driver.publish({"name": "repeated", "state": "absent"})


@pytest.fixture
def balanced(host, address):
    """A site that is balanced between servers of these kinds, of which the first one gets the first request."""
    driver = driver_of(host.backend.name)

    def publish(*kinds):
        published = driver.publish(
            {
                "name": "repeated",
                "listen": [str(PORT)],
                "server_name": [NAME],
                # Another one each time, so that nginx is reloaded and begins to count anew.
                "client_max_body_size": f"{next(NUMBERS)}g",
                "upstreams": {"web": [f"127.0.0.1:{PORTS[kind]}" for kind in kinds]},
                "locations": [{"path": "/", "proxy_pass": "http://web"}],
            }
        )
        assert published["reloaded"], published
        host.check_output("rm -f /run/lab-91*")
        return Visitor(address, NAME, PORT)

    return publish


def got(host, kind):
    """The methods of the requests that a server got."""
    return host.run(f"cat /run/lab-{PORTS[kind]}").stdout.split()


@pytest.mark.parametrize("method", IN_TURN)
def test_a_request_that_a_host_gives_back(host, balanced, method):
    body = BODY if method in UNSAFE else None
    answer = balanced("gives back", "works").request(method, "/b?c=%2F", body=body)
    assert (answer.status, got(host, "gives back"), got(host, "works")) == (200, [method], [method])
    if method != "HEAD":
        expected = {"method": method, "body": (body or b"").decode(), "port": PORTS["works"], "path": "/b?c=%2F"}
        assert answer.json() == expected
    # It is no visitor's business.
    assert "X-Accel-Redirect" not in answer.headers


@pytest.mark.parametrize("method", IN_TURN)
def test_a_host_that_does_not_listen(balanced, method):
    assert balanced("is not there", "works").request(method, "/", body=b"x").status == 200


@pytest.mark.parametrize("method", IN_TURN)
def test_a_host_that_dies_with_the_request(host, balanced, method):
    """What may have changed something is not sent twice."""
    body = BODY if method in UNSAFE else None
    answer = balanced("closes", "works").request(method, "/", body=body)
    expected = (200, [method]) if method in SAFE else (502, [])
    assert (answer.status, got(host, "works")) == expected
    assert got(host, "closes") == [method]


def test_an_answer_of_the_app_is_not_repeated(host, balanced):
    answer = balanced("fails", "works").request("GET", "/")
    assert (answer.status, answer.json()["port"], got(host, "works")) == (503, PORTS["fails"], [])


def test_hosts_that_all_seem_dead_are_asked(balanced):
    visitor = balanced("closes", "works")
    assert [visitor.request("GET", "/").status for _number in range(6)] == [200] * 6
    visitor = balanced("is not there", "closes")
    assert {visitor.request("GET", "/").status for _number in range(6)} == {502}


def test_a_request_that_no_host_can_serve(host, balanced):
    answer = balanced("gives back").request("POST", "/", body=BODY)
    assert (answer.status, answer.title()) == (502, "Temporarily unavailable")
    assert len(got(host, "gives back")) < 12
