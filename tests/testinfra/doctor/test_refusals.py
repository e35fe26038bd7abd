"""Statuses of refusals by nginx and by the application, and connections that fail, each made for real."""

import shlex

import pytest
from helpers.doctor import ADDRESS, BY_HAND, PROXY
from helpers.hosts import eventually
from helpers.states import ANOTHER, transient_service, write

SITE = f"""limit_req_zone $binary_remote_addr zone=slow:1m rate=1r/m;
limit_conn_zone $server_name zone=few:1m;
server {{
    server_name {BY_HAND};
    location = /times-out/ {{ return 408; }}
    location = /no-length/ {{ return 411; }}
    location = /limited/ {{ limit_req zone=slow; limit_req_status 429; {PROXY} }}
    location = /long/ {{ return 431; }}
    location = /reset/ {{ proxy_pass http://127.0.0.1:8902; }}
    location = /full/ {{ proxy_pass http://127.0.0.1:8903; proxy_connect_timeout 1; }}
    location / {{ {PROXY} }}
    location /few/ {{ limit_conn few 1; proxy_pass http://{ADDRESS}/; proxy_set_header Host $host; }}
    location /fewer/ {{ limit_conn few 1; limit_conn_status 429; {PROXY} }}
}}
"""
SERVICES = "/opt/refusing.py"
# One resets each connection; the queue of the other one is full, so that the kernel drops what a client sends.
PROGRAM = """
import socket, struct
full = socket.create_server(("127.0.0.1", 8903), backlog=0)
clients = [socket.socket() for _number in range(4)]
for client in clients:
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", 8903))
with socket.create_server(("127.0.0.1", 8902)) as resetting:
    while True:
        client, _address = resetting.accept()
        client.recv(65536)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
"""


@pytest.fixture
def refusing(driver, undo):
    """A service that resets connections, and one that takes none."""
    undo(f"systemctl stop refusing; rm -f {SERVICES}")
    write(driver, SERVICES, PROGRAM)
    driver.shell(f"systemd-run --quiet --collect --unit=refusing python3 {SERVICES}")
    driver.shell("for i in $(seq 100); do ss -Hltn sport = :8902 | grep -q . && exit; sleep 0.1; done; exit 1")


def test_statuses_of_refusals(driver, hand, explained, written):
    hand()
    with written(SITE):
        driver.shell(f"curl -s -H 'Host: {BY_HAND}' http://127.0.0.1/limited/")
        for path, status, words in (
            # Soon after the request before it, which a minute would make good.
            ("/limited/", 429, f"limit_req zone=slow' ({ANOTHER}:7)"),
            # nginx logs a 408, and sends none.
            ("/times-out/", "Remote end closed connection without response", "nginx closes the connection without"),
            ("/no-length/", 411, f"nginx itself answers 411 to /no-length/ (location = /no-length/, {ANOTHER}:6)"),
            ("/long/", 431, f"nginx itself answers 431 to /long/ (location = /long/, {ANOTHER}:8)"),
            *(
                (f"/status/{code}/", code, f"itself answers {code} to /status/{code}/ ({ANOTHER}:11 passes it on)")
                for code in (408, 411, 429, 431)
            ),
        ):
            cause, _remedy = explained(path, status)
            assert words in cause, (path, cause)


def test_a_limit_of_running_requests(driver, hand, explained, written):
    """A request that runs for ten minutes has the only place."""
    hand(timeout=600)
    curl = ("curl", "--silent", "--output", "/dev/null", "--header", f"Host: {BY_HAND}")
    endless = transient_service(driver, "running", *curl, "--retry", "60", "http://127.0.0.1/few/drip/")
    status = shlex.join([*curl, "--write-out", "%{http_code}", "http://127.0.0.1/few/"])
    with written(SITE), endless:
        eventually(lambda: driver.shell(status), until=lambda status: status == "503")
        cause, remedy = explained("/few/", 503)
        assert f"limit_conn of the zone few ({ANOTHER}:12) is used up" in cause
        assert f"in {ANOTHER}:12" in remedy
        cause, _remedy = explained("/fewer/", 429)
        assert f"'limit_conn few 1' ({ANOTHER}:13)" in cause


def test_connections_that_fail(explained, refusing, written):
    with written(SITE):
        cause, remedy = explained("/reset/", 502)
        assert "Connection reset by peer" in cause
        assert "`journalctl -n 50 -u refusing.service`" in remedy
        cause, remedy = explained("/full/", 504)
        where = f"nginx passes requests to 127.0.0.1:8903 ({ANOTHER}:10), where nothing answers within 3 seconds"
        assert f"{where}, although refusing.service listens there" in cause
        assert "`systemctl restart refusing.service`" in remedy
