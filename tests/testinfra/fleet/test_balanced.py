"""The balancer passes visitors on to all web hosts, and Django knows the visitor through both."""

import json
import re
import socket
import uuid
from contextlib import ExitStack

import pytest
from helpers.echo import lies
from helpers.hosts import eventually, stopped
from helpers.http import TIMEOUT, Visitor, raw
from helpers.tls import connect, trusting
from helpers.websocket import TEXT, Websocket
from plays import publish
from visits import MANY, NAME, get, nodes

VISITOR = "203.0.113.7"


@pytest.fixture(scope="module")
def own_address(address):
    """This machine's address, as the hosts see it."""
    with socket.create_connection((address, 443), timeout=TIMEOUT) as connection:
        return connection.getsockname()[0]


def told(address, *lines):
    """What Django is told of a request over TLS with these header lines."""
    head = ["GET /whoami HTTP/1.1", f"Host: {NAME}", *lines, "Connection: close", "", ""]
    with connect(address, NAME, trusting()) as connection:
        connection.sendall("\r\n".join(head).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def test_each_web_host_answers(address, web_hosts):
    assert nodes(address) == set(web_hosts)


def test_static_files_come_from_each_web_host(address, web_hosts):
    path = re.search(r"/static/entries/guestbook[^\"]*\.css", get(address, "/").text)[0]
    answers = [get(address, path) for _number in range(MANY)]
    assert {answer.status for answer in answers} == {200}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"public, max-age=31536000, immutable"}
    for host in web_hosts.values():
        eventually(lambda host=host: path in host.check_output("cat /var/log/nginx/guestbook.access.log"))


def test_a_file_that_one_host_lacks_comes_from_the_other(address, web_hosts):
    host = web_hosts["gatehouse-fleet-web2"]
    host.check_output("echo new > /srv/guestbook/current/static/of-one-host.txt")
    try:
        answers = [get(address, "/static/of-one-host.txt") for _number in range(MANY)]
    finally:
        host.check_output("rm /srv/guestbook/current/static/of-one-host.txt")
    assert {(answer.status, answer.text) for answer in answers} == {(200, "new\n")}
    assert get(address, "/static/of-no-host.txt").status == 404


def test_django_sees_the_visitor(address, own_address):
    seen = told(address)
    assert (seen["remote_addr"], seen["scheme"], seen["is_secure"]) == (own_address, "https", True)
    assert (seen["host"], seen["absolute"]) == (NAME, f"https://{NAME}/")
    assert seen["database"] == "postgresql"
    assert "HTTP_X_GATEHOUSE_AGAIN" not in seen["meta"]


def test_a_visitor_cannot_lie_through_the_balancer(address, own_address):
    seen = told(address, *lies(VISITOR), "X-Forwarded-Proto: http", "X-Gatehouse-Again: @other")
    assert (seen["remote_addr"], seen["absolute"]) == (own_address, f"https://{NAME}/")
    assert VISITOR not in json.dumps(seen)


def test_a_web_host_closes_all_other_connections(web_hosts):
    for host in web_hosts.values():
        web = host.check_output("hostname --all-ip-addresses").split()[0]
        for path in ("/", "/static/", "/whoami", "/gatehouse-pages/502.html"):
            head = f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nX-Forwarded-For: {VISITOR}\r\n\r\n"
            assert raw(web, head.encode()) == b""
        # The host itself, for the doctor.
        assert host.check_output(f"curl -s -H 'Host: {NAME}' http://127.0.0.1/healthz") == "ok"


def test_each_header_is_sent_once(address):
    for path in ("/whoami", "/", "/static/entries/guestbook.css", "/static/nothing", "/media/nothing"):
        headers = get(address, path).headers
        assert headers.get_all("X-Served-By") == ["balancer"], path
        assert headers.get_all("Strict-Transport-Security") == ["max-age=300"], path
        assert len(headers.get_all("X-Content-Type-Options", [])) <= 1, path


def test_visitors_are_redirected_to_https_by_the_balancer(address):
    answer = Visitor(address, NAME).get("/a?b")
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{NAME}/a?b")
    answer = get(address, "/a?b", host=f"www.{NAME}")
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{NAME}/a?b")


def test_the_database_host_has_no_nginx(database_host):
    assert not database_host.package("nginx").is_installed


def test_protected_files_pass_through_both(address, web_hosts):
    # Without a session Django sends no visitor there, and the path itself is the web host's own.
    assert get(address, "/protected-files/x").status == 404


def test_a_websocket_passes_through_both(address):
    with Websocket(address, NAME, "/ws/echo", 443, trusting()) as websocket:
        assert websocket.status == 101
        for message in (b"one", b"x" * 200_000):
            websocket.send(TEXT, message)
            assert websocket.receive() == (TEXT, message)
    # The upgrade is offered on websocket_paths only.
    with Websocket(address, NAME, "/whoami", 443, trusting()) as websocket:
        assert websocket.status == 200


@pytest.mark.long
def test_the_balancer_keeps_pages_also_while_no_web_host_answers(host, address, web_hosts):
    # Django answers 404, which is kept as well.
    path = f"/kept/{uuid.uuid4().hex}"

    def ask(method="GET", **headers):
        answer = get(address, path, method, **headers)
        return answer.status, answer.headers.get("X-Cache")

    try:
        played = publish(host, paths={"/kept/": {"page_cache": "1h"}})
        assert played.code == 0, played.output
        assert (ask(), ask()) == ((404, "MISS"), (404, "HIT"))
        assert ask(cookie="sessionid=x") == (404, "BYPASS")
        with ExitStack() as stack:
            for one in web_hosts.values():
                stack.enter_context(stopped(one, "guestbook"))
            assert ask() == (404, "HIT")
            assert ask(cookie="sessionid=x")[0] in (502, 503)
    finally:
        played = publish(host)
    assert played.code == 0, played.output
    assert ask() == (404, None)
