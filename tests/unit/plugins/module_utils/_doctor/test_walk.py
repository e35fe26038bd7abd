"""Visits to a server of the test: redirects, cookies, and answers that never come."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import walk
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.apps import FailingApps
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Problem
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import find, pages, parse
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Step
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.walk import has_failing_app, visit, visit_all


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
            self.send_response(200)
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
def site(doctor_host):
    """site(port...): the host, and a function that makes the request for a path of the site on the first port."""

    def site(*ports):
        lines = " ".join(f"listen 127.0.0.1:{port};" for port in ports)
        host = doctor_host(f"server {{ {lines} server_name shop.test; location / {{ proxy_pass http://a; }} }}")
        return host, lambda path, port=ports[0]: find(host, parse(f"http://shop.test:{port}{path}"))

    return site


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
def test_redirects(site, server, path, expected):
    host, page = site(server)
    assert [step.request.path for step in visit(host, page(path), time.monotonic() + 20)] == expected


def test_a_visitor_keeps_cookies(site, server):
    host, page = site(server)
    assert [step.answer.status for step in visit(host, page("/cookie"), time.monotonic() + 20)] == [302, 200]


def test_an_app_that_does_not_start_is_not_waited_for(site, server, listener, monkeypatch):
    monkeypatch.setattr(walk, "POLL_SECONDS", 0.05)
    silent = listener.rpartition(":")[2]
    host, page = site(server, silent)
    stuck, healthy = page("/", silent), replace(page("/page"), site="other.test")
    monkeypatch.setattr(walk, "has_failing_app", lambda host, request: request is stuck)
    found = visit_all(host, [stuck, healthy], is_target=False)
    assert found[0].steps == (Step(stuck, Answer(0, Problem.APP_FAILS)),)
    assert [(step.request, step.answer.status) for step in found[1].steps] == [(healthy, 200)]


def test_a_thousand_pages_take_few_threads(site, monkeypatch):
    """By default a container allows 2,048 processes and threads, and a host may have more pages."""
    threads, asked = [], threading.Event()

    def visit(host, request, deadline):
        asked.wait()
        return (Step(request, Answer(200)),)

    def has_failing_app(host, request):
        threads.append(set(threading.enumerate()) - before)
        asked.set()
        return False

    monkeypatch.setattr(walk, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(walk, "visit", visit)
    monkeypatch.setattr(walk, "has_failing_app", has_failing_app)
    host, page = site("80")
    before, requests = set(threading.enumerate()), [replace(page("/"), site=str(number)) for number in range(1000)]
    found = visit_all(host, requests, is_target=False)
    assert [one.steps for one in found] == [(Step(request, Answer(200)),) for request in requests]
    assert len(threads[0]) == walk.CONCURRENT_SITES


@pytest.fixture
def raw():
    """raw(answer...): the port of a server that sends these bytes, one after the other."""
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
def test_malformed_answers_end_a_visit(site, raw, answer):
    host, page = site(raw(answer))
    assert len(visit_all(host, [page("/")], is_target=False)) == 1


def test_a_malformed_cookie_is_not_sent_back(site, raw, monkeypatch):
    """A header that goes on in the next line is a value with a newline."""
    host, page = site(
        raw(b"HTTP/1.1 302 \r\nLocation: /b\r\nSet-Cookie: a=b\r\n c: d\r\n\r\n", b"HTTP/1.1 200 \r\n\r\n")
    )
    sent, ask = [], walk.ask
    monkeypatch.setattr(walk, "ask", lambda *args: (sent.append(args[1]), ask(*args))[1])
    (found,) = visit_all(host, [page("/")], is_target=False)
    assert [step.answer.status for step in found.steps] == [302, 200]
    assert sent == [[], []]


def test_an_exception_in_a_thread_becomes_an_answer(site, server, monkeypatch):
    """Without an answer the doctor would wait without end."""
    host, page = site(server)
    monkeypatch.setattr(walk, "visit", lambda *_args: 1 / 0)
    (found,) = visit_all(host, [page("/")], is_target=False)
    assert found.answer == Answer(0, Problem.CLOSED, "ZeroDivisionError: division by zero")


def test_the_pages_of_a_site_share_one_time_limit(site, monkeypatch):
    """A site that uses it up takes no more time, and other sites have their own."""
    host, page = site("80")
    now, times = [1000.0], []

    def ask(request, cookies, timeout):
        times.append((request.path, timeout))
        now[0] += 15
        return Answer(302, location=f"{request.path}x")

    monkeypatch.setattr(walk, "CONCURRENT_SITES", 1)
    monkeypatch.setattr(walk, "ask", ask)
    monkeypatch.setattr(walk, "time", SimpleNamespace(monotonic=lambda: now[0], time=lambda: 0.0))
    found = visit_all(host, [page("/a"), page("/b"), replace(page("/c"), site="other.test")], is_target=False)
    assert times == [("/a", 20.0), ("/ax", 5.0), ("/c", 20.0), ("/cx", 5.0)]
    assert [one.steps[0].request.path for one in found] == ["/a", "/c"]


@pytest.mark.parametrize("cut", [Answer(0, Problem.TIMEOUT), Answer(200, is_unfinished=True)])
def test_a_page_that_had_little_time_is_no_evidence(site, monkeypatch, cut):
    host, page = site("80")
    now, answers = [1000.0], iter([(12, Answer(200)), (8, cut)])

    def ask(request, cookies, timeout):
        seconds, answer = next(answers)
        now[0] += seconds
        return answer

    monkeypatch.setattr(walk, "ask", ask)
    monkeypatch.setattr(walk, "time", SimpleNamespace(monotonic=lambda: now[0], time=lambda: 0.0))
    assert [one.status for one in visit_all(host, [page("/a"), page("/b")], is_target=False)] == [200]
    answers = iter([(20, cut)])
    assert [one.answer for one in visit_all(host, [page("/a")], is_target=False)] == [cut]


def test_files_do_not_wait_for_the_application(doctor_host, monkeypatch):
    text = (
        "location / { proxy_pass http://a; } location /static/ { alias /srv/static/; } location /old/ { return 301 /; }"
    )
    host = doctor_host(f"server {{ listen 127.0.0.1:80; server_name shop.test; {text} }}")
    requests = [find(host, parse(f"http://shop.test/{path}")) for path in ("", "old/", "static/x.css")]
    asked = []
    monkeypatch.setattr(walk, "ask", lambda request, *_more: asked.append(request.path) or Answer(200))
    assert [one.request.path for one in visit_all(host, requests, is_target=False)] == ["/", "/old/", "/static/x.css"]
    assert asked == ["/static/x.css", "/", "/old/"]


def test_a_failing_app_behind_a_name(doctor_host, monkeypatch):
    text = """
server { server_name shop.test; location / { proxy_pass http://unix:/srv/shop/current/web.sock; } }
server { server_name blog.test; location / { proxy_pass http://unix:/srv/blog/current/web.sock; } }
"""
    monkeypatch.setattr(FailingApps, "names", lambda self: frozenset({"shop"}))
    host = doctor_host(text)
    first, second = pages(host)
    assert host.failing_apps.apps == ["blog", "shop"]
    assert has_failing_app(host, first)
    assert not has_failing_app(host, second)


def test_one_command_reads_the_state_of_the_apps_of_all_pages(doctor_host, release, monkeypatch):
    monkeypatch.setattr(walk.time, "monotonic", lambda: 1000.0)
    text = "server { server_name shop.test; location / { proxy_pass http://unix:/srv/shop/current/web.sock; } }"
    host = doctor_host(text, ("systemctl show", "Id=shop-web@1.service\nActiveState=failed\n"))
    (page,) = pages(host)
    assert [has_failing_app(host, page) for _page in range(100)] == [True] * 100
    assert [command[:2] for command in host.commands] == [["systemctl", "show"]]
