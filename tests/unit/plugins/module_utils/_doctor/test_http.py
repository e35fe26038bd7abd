"""Requests to a server of the test."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
from dataclasses import replace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import ask
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import (
    Answer,
    Problem,
    decode_path,
    destination,
)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        if self.path == "/referer":
            self.wfile.write(self.headers["Referer"].encode())

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield str(server.server_address[1])
    server.shutdown()


@pytest.fixture
def page(request_for):
    return lambda path, port, **changes: replace(request_for("http://shop.test/"), path=path, port=port, **changes)


@pytest.mark.parametrize(
    ("port", "tls", "url"),
    [
        ("80", False, "http://shop.test/x"),
        ("8080", False, "http://shop.test:8080/x"),
        ("443", True, "https://shop.test/x"),
        ("80", True, "https://shop.test:80/x"),
    ],
)
def test_a_url_has_no_query(page, port, tls, url):
    assert page("/x?token=hidden", port, tls=tls).url == url


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("/a/?x=1", "/a/"),
        ("/a//b/../c", "/a/c"),
        ("/a%20b", "/a b"),
        ("/a/..", "/"),
        ("/static/.", "/static/"),
    ],
)
def test_a_path_as_nginx_compares_it(path, expected):
    assert decode_path(path) == expected


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "http://shop.test/b"),
        ("b?c", "http://shop.test/a/b?c"),
        ("https://other.test/", "https://other.test/"),
        ("http://[evil", None),
        ("http://shop.test:99999/", None),
    ],
)
def test_the_destination_of_a_redirect(page, location, url):
    found = destination(page("/a/x", "80"), Answer(301, location=location))
    assert (found and found.geturl()) == url


def test_an_answer(page, server):
    assert ask(page("/page", server), (), 5).status == 200
    assert ask(page("/none?a b=ü", server), (), 5).status == 200
    assert ask(page("/none", server), (), 5).status == 404


def test_a_refused_connection(page, unused_address):
    assert ask(page("/", unused_address.rpartition(":")[2]), (), 5) == Answer(0, Problem.REFUSED)


def test_a_server_without_tls(page, server):
    answer = ask(page("/", server, tls=True), (), 5)
    assert answer.problem is Problem.TLS
    assert answer.detail


def test_no_answer_in_time(page, listener):
    assert ask(page("/", listener.rpartition(":")[2]), (), 0.2).problem is Problem.TIMEOUT


def test_a_closed_connection(page):
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def close():
            silent.accept()[0].close()

        threading.Thread(target=close, daemon=True).start()
        answer = ask(page("/", str(silent.getsockname()[1])), (), 5)
    assert answer.problem is Problem.CLOSED
    assert answer.detail


def test_the_proxy_protocol(page):
    lines = []
    with socket.create_server(("127.0.0.1", 0)) as behind:

        def answer():
            connection, _address = behind.accept()
            with connection, connection.makefile("rb") as sent:
                lines.extend([sent.readline(), sent.readline()])
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        port = str(behind.getsockname()[1])
        assert ask(page("/", port, proxy_protocol=True), (), 5).status == 204
    assert lines == [b"PROXY UNKNOWN\r\n", b"GET / HTTP/1.1\r\n"]


def test_a_file_name_that_is_not_utf_8(page, server):
    assert ask(page("/none\udcff", server), (), 5).status == 200


@pytest.fixture
def trickle():
    """trickle(*parts): the port of a server that sends the parts, and then a byte from time to time without an end."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def start(*parts):
            def serve():
                connection, _address = server.accept()
                with contextlib.suppress(OSError), connection:
                    for part in (*parts, *([b"x"] * 1000)):
                        connection.sendall(part)
                        gone.wait(0.05)

            threading.Thread(target=serve, daemon=True).start()
            return str(server.getsockname()[1])

        gone = threading.Event()
        yield start
        gone.set()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/%s\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "status", "problem", "is_unfinished"),
    [
        ([HEAD % b"html"], 200, None, True),
        ([HEAD % b"event-stream"], 200, None, False),
        ([HEAD.replace(b"text/%s", b"image/png")], 200, None, False),
        ([b"HTTP/1.1 200 OK\r\nX: "], 0, Problem.TIMEOUT, False),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"] * 1000, 0, Problem.TIMEOUT, False),
        ([], 0, Problem.TIMEOUT, False),
    ],
)
def test_an_answer_without_an_end(page, trickle, parts, status, problem, is_unfinished):
    began = time.monotonic()
    answer = ask(page("/", trickle(*parts)), (), 0.4)
    assert time.monotonic() - began < 2
    assert (answer.status, answer.problem, answer.is_unfinished) == (status, problem, is_unfinished)
    assert ("x" in answer.body) is is_unfinished


def test_no_time_is_left(page, server):
    assert ask(page("/", server), (), 0).problem is Problem.TIMEOUT


def test_the_referer_identifies_a_request(page, server):
    request = page("/referer", server)
    assert ask(request, (), 5).body == request.referrer
