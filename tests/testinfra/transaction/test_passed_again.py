"""A worker process dies: nginx passes its request again, and not over a connection to the same process."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.hosts import eventually
from helpers.sites import extra as site
from helpers.states import transient_service

SOCKET = "/run/kept.sock"
# Closes the connection of the first request for /die, and those that were kept a moment later: when they are used.
DYING = f"""
import os, socket, threading, time
server = socket.socket(socket.AF_UNIX)
server.bind("{SOCKET}")
os.chmod("{SOCKET}", 0o777)
server.listen(100)
died = threading.Event()

def serve(connection):
    served, given = 0, b""
    while True:
        while b"\\r\\n\\r\\n" not in given:
            part = connection.recv(65536)
            if not part:
                return
            given += part
        head, _end, given = given.partition(b"\\r\\n\\r\\n")
        if b" /die " in head and (served or not died.is_set()):
            died.set()
            return connection.close()
        if b" /die " not in head:
            time.sleep(0.5)
        served += 1
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")

while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
# Enough that each worker process of nginx keeps some.
KEPT = 24


@pytest.fixture
def dying(driver, undo):
    undo(f"rm -f {SOCKET}")
    with transient_service(driver, "dying", "python3", "-c", DYING):
        eventually(lambda: driver.ask("shell", f"test -S {SOCKET}")["rc"] == 0)
        yield


def test_a_request_is_passed_again_over_a_new_connection(driver, extra, dying):
    driver.publish(site(locations=[{"path": "/", "proxy_pass": f"http://unix:{SOCKET}"}], snippet=""))
    with ThreadPoolExecutor(KEPT) as pool:
        assert {answer.status for answer in pool.map(lambda _number: extra.get("/"), range(KEPT))} == {200}
    assert extra.get("/die").status == 200
