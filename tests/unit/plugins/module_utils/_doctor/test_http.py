"""Requests to a server of the test's own."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import http as asking
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer, Request


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        where = {"/loop": "/loop", "/a": "/b", "/b": "/a", "/once": "/page", "/away": "http://elsewhere.test/"}
        if self.path == "/cookie" and "seen=1" not in (self.headers["Cookie"] or ""):
            self.send_response(302)
            self.send_header("Location", "/cookie")
            self.send_header("Set-Cookie", "seen=1; Path=/")
        elif self.path in where:
            self.send_response(301)
            self.send_header("Location", where[self.path])
        elif self.path.startswith("/count"):
            self.send_response(302)
            self.send_header("Location", f"/count{int(self.path[6:]) + 1}")
        else:
            self.send_response(404 if self.path == "/none" else 200)
        self.send_header("X-Host", self.headers["Host"])
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield str(server.server_address[1])
    server.shutdown()


@pytest.fixture
def visit(server):
    def find(url):
        parts = urlsplit(url)
        return page(parts.path, server) if parts.hostname == "shop.test" else None

    return lambda path: asking.visit(page(path, server), find)


def page(path, port, tls=False):
    return Request("shop.test", "shop.test", "127.0.0.1", port, tls, path)


@pytest.mark.parametrize(
    ("port", "tls", "url"),
    [
        ("80", False, "http://shop.test/x"),
        ("8080", False, "http://shop.test:8080/x"),
        ("443", True, "https://shop.test/x"),
        ("80", True, "https://shop.test:80/x"),
    ],
)
def test_a_url_has_no_query(port, tls, url):
    assert page("/x?token=hidden", port, tls).url == url


def test_one_answer(server):
    assert asking.ask(page("/page", server)).status == 200
    assert asking.ask(page("/none?a b=ü", server)).status == 200
    assert asking.ask(page("/none", server)).status == 404


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/page", ["/page"]),
        ("/once", ["/once", "/page"]),
        ("/loop", ["/loop", "/loop"]),
        ("/a", ["/a", "/b", "/a"]),
        ("/away", ["/away"]),
        ("/count0", [f"/count{number}" for number in range(11)]),
    ],
)
def test_redirects(visit, path, expected):
    assert [request.path for request, _answer in visit(path)] == expected


def test_a_visitor_keeps_cookies(visit):
    assert [answer.status for _request, answer in visit("/cookie")] == [302, 200]


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = str(unused.getsockname()[1])
    assert asking.ask(page("/", port)) == Answer(0, "refused")


def test_no_answer_and_no_tls(server, monkeypatch):
    assert asking.ask(page("/", server, tls=True)).error.startswith("tls: ")
    monkeypatch.setattr(asking, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        assert asking.ask(page("/", port)).error == "timeout"

        def close():
            silent.accept()[0].close()
            silent.accept()[0].close()

        threading.Thread(target=close, daemon=True).start()
        time.sleep(0.1)
        assert asking.ask(page("/", port)).error.startswith("closed: ")


def test_the_proxy_protocol():
    said = []
    with socket.create_server(("127.0.0.1", 0)) as behind:

        def answer():
            connection, _address = behind.accept()
            with connection, connection.makefile("rb") as lines:
                said.extend([lines.readline(), lines.readline()])
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        port = str(behind.getsockname()[1])
        request = Request("shop.test", "shop.test", "127.0.0.1", port, False, "/", proxy_protocol=True)
        assert asking.ask(request).status == 204
    assert said == [b"PROXY UNKNOWN\r\n", b"GET / HTTP/1.1\r\n"]


def test_what_is_hopeless_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(asking, "PAUSE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stuck, well = page("/", str(silent.getsockname()[1])), page("/page", server)
        found = asking.visit_all([stuck, well], lambda url: None, lambda request: request is stuck)
    assert found == [[(stuck, Answer(0, "hopeless"))], [(well, Answer(200))]]


@pytest.fixture
def raw():
    """raw(answer...): the port of a server that says these bytes, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def start(*answers):
            def serve():
                for answer in answers:
                    connection, _address = server.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(answer)

            threading.Thread(target=serve, daemon=True).start()
            return str(server.getsockname()[1])

        yield start


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff\xfe\r\n\r\n",
        b"HTTP/1.1 302 \r\nLocation: http://[evil\r\n\r\n",
        b"HTTP/1.1 302 \r\nLocation: http://shop.test:99999/\r\n\r\n",
        b"HTTP/1.1 302 \r\nLocation: \xff\x1b[2J\r\nSet-Cookie: \xff=\x1b\r\n\r\n",
        b"HTTP/1.1 200 \r\n" + b"X: y\r\n" * 1000,
    ],
)
def test_answers_of_no_sense_end(raw, answer):
    port = raw(answer)
    found = asking.visit_all([page("/", port)], lambda url: None, lambda request: False)
    assert len(found) == 1


def test_a_cookie_that_is_not_sent_back(raw, monkeypatch):
    """A header that goes on in the next line is a value with a newline."""
    port = raw(b"HTTP/1.1 302 \r\nLocation: /b\r\nSet-Cookie: a=b\r\n c: d\r\n\r\n", b"HTTP/1.1 200 \r\n\r\n")
    asked, ask = [], asking.ask
    monkeypatch.setattr(asking, "ask", lambda *args: (asked.append(args[1]), ask(*args))[1])
    (steps,) = asking.visit_all([page("/", port)], lambda url: page("/b", port), lambda request: False)
    assert [answer.status for _request, answer in steps] == [302, 200]
    assert asked == [[], []]


def test_a_name_of_a_file_that_is_no_text(server):
    assert asking.ask(page("/none\udcff", server)).status == 200


def test_what_goes_wrong_in_a_thread_is_an_answer(server, monkeypatch):
    """It would be waited for without end."""
    monkeypatch.setattr(asking, "visit", lambda *_args: 1 / 0)
    ((_request, answer),) = asking.visit_all([page("/", server)], lambda url: None, lambda request: False)[0]
    assert answer.error == "closed: ZeroDivisionError: division by zero"


def test_all_the_steps_of_a_visit_have_one_time(monkeypatch):
    times = []

    def ask(request, cookies, timeout):
        times.append(timeout)
        monkeypatch.setattr(asking.time, "monotonic", lambda: 1000.0 + 60 * len(times))
        return Answer(302, location=f"/{len(times)}")

    monkeypatch.setattr(asking.time, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(asking, "ask", ask)
    asking.visit(page("/", "80"), lambda url: page(urlsplit(url).path, "80"))
    assert times[:3] == [65.0, 5.0, 1.0]
