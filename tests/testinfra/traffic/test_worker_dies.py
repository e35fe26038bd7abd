"""A worker process dies: nginx passes its requests to the next one, if they change nothing."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.hosts import eventually
from helpers.steady import main_pid, site_of
from helpers.tls import connect, trusting

REQUESTS = 4
# nginx passes a request again within five seconds; until then, all of them must be in work and their workers killed.
SLOW = 10


def ask(address, method):
    """The status of a response that takes ten seconds, and the seconds it took."""
    began = time.monotonic()
    lines = [f"Host: {site_of('steady')}", "Content-Length: 0", "Connection: close", "", ""]
    with connect(address, site_of("steady"), trusting()) as connection:
        connection.sendall("\r\n".join([f"{method} /slow?seconds={SLOW} HTTP/1.1", *lines]).encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return int(answer.split()[1]), time.monotonic() - began


def connections(host):
    """The number of connections to applications."""
    return int(host.check_output("ss -xH state connected src '*/web.sock' | wc -l"))


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 502)])
def test_only_a_request_without_side_effects_is_passed_again(host, address, method, status):
    # Without kept connections, each is one of these requests.
    host.check_output("systemctl reload nginx")
    eventually(lambda: connections(host) == 0, 30)
    master = main_pid(host)
    workers = host.check_output("pgrep -P %s", master).split()
    with ThreadPoolExecutor(REQUESTS) as pool:
        asked = [pool.submit(ask, address, method) for _number in range(REQUESTS)]
        eventually(lambda: connections(host) >= REQUESTS)
        # Stopped before: otherwise one that still runs may take a request that is passed again, and die with it.
        host.check_output(f"kill -STOP {' '.join(workers)}; kill -9 {' '.join(workers)}")
        answers = [one.result() for one in asked]
    assert [answer for answer, _seconds in answers] == [status] * REQUESTS
    # Each was in work: the second time takes as long.
    assert status != 200 or all(seconds > SLOW for _answer, seconds in answers), answers
    eventually(lambda: len(host.run("pgrep -P %s", master).stdout.split()) == len(workers), 30)
