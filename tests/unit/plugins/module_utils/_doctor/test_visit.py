"""Visits to a server of the test: redirects, cookies, and answers that never come."""

from __future__ import annotations

import http.server
import socket
import threading

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import visit as visits
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.apps import FailingApps
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer, Problem
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import find, pages, parse
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import (
    Step,
    has_failing_app,
    visit,
    visit_all,
)


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
    assert [step.request.path for step in visit(host, page(path))] == expected


def test_a_visitor_keeps_cookies(site, server):
    host, page = site(server)
    assert [step.answer.status for step in visit(host, page("/cookie"))] == [302, 200]


def test_an_app_that_does_not_start_is_not_waited_for(site, server, listener, monkeypatch):
    monkeypatch.setattr(visits, "POLL_SECONDS", 0.05)
    silent = listener.rpartition(":")[2]
    host, page = site(server, silent)
    stuck, healthy = page("/", silent), page("/page")
    monkeypatch.setattr(visits, "has_failing_app", lambda host, request: request is stuck)
    found = visit_all(host, [stuck, healthy], is_target=False)
    assert found[0].steps == (Step(stuck, Answer(0, Problem.APP_FAILS)),)
    assert [(step.request, step.answer.status) for step in found[1].steps] == [(healthy, 200)]


def test_a_thousand_pages_take_few_threads(site, monkeypatch):
    """By default a container allows 2,048 processes and threads, and a host may have more pages."""
    threads, asked = [], threading.Event()

    def visit(host, request):
        asked.wait()
        return (Step(request, Answer(200)),)

    def has_failing_app(host, request):
        threads.append(set(threading.enumerate()) - before)
        asked.set()
        return False

    monkeypatch.setattr(visits, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(visits, "visit", visit)
    monkeypatch.setattr(visits, "has_failing_app", has_failing_app)
    host, page = site("80")
    before, requests = set(threading.enumerate()), [page(f"/{number}") for number in range(1000)]
    found = visit_all(host, requests, is_target=False)
    assert [one.steps for one in found] == [(Step(request, Answer(200)),) for request in requests]
    assert len(threads[0]) == visits.CONCURRENT_VISITS


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
    sent, ask = [], visits.ask
    monkeypatch.setattr(visits, "ask", lambda *args: (sent.append(args[1]), ask(*args))[1])
    (found,) = visit_all(host, [page("/")], is_target=False)
    assert [step.answer.status for step in found.steps] == [302, 200]
    assert sent == [[], []]


def test_an_exception_in_a_thread_becomes_an_answer(site, server, monkeypatch):
    """Without an answer the doctor would wait without end."""
    host, page = site(server)
    monkeypatch.setattr(visits, "visit", lambda *_args: 1 / 0)
    (found,) = visit_all(host, [page("/")], is_target=False)
    assert found.answer == Answer(0, Problem.CLOSED, "ZeroDivisionError: division by zero")


def test_all_steps_of_a_visit_share_one_time_limit(site, monkeypatch):
    host, page = site("80")
    times = []

    def ask(request, cookies, timeout):
        times.append(timeout)
        monkeypatch.setattr(visits.time, "monotonic", lambda: 1000.0 + 60 * len(times))
        return Answer(302, location=f"/{len(times)}")

    monkeypatch.setattr(visits.time, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(visits, "ask", ask)
    visit(host, page("/"))
    assert times[:3] == [65.0, 5.0, 1.0]


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
    monkeypatch.setattr(visits.time, "monotonic", lambda: 1000.0)
    text = "server { server_name shop.test; location / { proxy_pass http://unix:/srv/shop/current/web.sock; } }"
    host = doctor_host(text, ("systemctl show", "Id=shop-web@1.service\nActiveState=failed\n"))
    (page,) = pages(host)
    assert [has_failing_app(host, page) for _page in range(100)] == [True] * 100
    assert [command[:2] for command in host.commands] == [["systemctl", "show"]]


@pytest.mark.parametrize(
    ("answer", "is_unanswered"),
    [
        (Answer(502), True),
        (Answer(504), True),
        (Answer(0, Problem.TIMEOUT), True),
        (Answer(0, Problem.APP_FAILS), True),
        (Answer(0, Problem.CLOSED), False),
        (Answer(500), False),
        (Answer(200), False),
    ],
)
def test_whether_the_application_answered(visit_to, answer, is_unanswered):
    step = ("http://shop.test/", answer)
    assert visit_to("location / { proxy_pass http://a; }", step).is_unanswered is is_unanswered
    assert visit_to("return 200;", step).is_unanswered is False


def test_the_file_of_an_answer(visit_to):
    def paths(text, status=404):
        found = visit_to(text, ("http://shop.test/static/x.css", Answer(status)))
        return found.place and found.place.path, found.file and found.file.path

    alias = "location /static/ { alias /srv/static/; MORE }"
    assert paths(alias.replace("MORE", "")) == ("/srv/static/x.css", "/srv/static/x.css")
    assert paths(alias.replace("MORE", "internal;")) == ("/srv/static/x.css", None)
    assert paths(alias.replace("MORE", ""), 500) == (None, None)
    assert paths("location / { proxy_pass http://a; }") == (None, None)
    assert paths("location ~ ^/static/(.+)$ { alias /srv/users/$1; }") == (None, None)


def test_the_last_step_counts(visit_to):
    found = visit_to(
        "return 200;", ("http://shop.test/a", Answer(301, location="/b")), ("http://shop.test/b", Answer(200))
    )
    assert (found.request.path, found.status) == ("/b", 200)
