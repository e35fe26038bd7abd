"""The first page of a release, as a visitor gets it."""

from __future__ import annotations

import json
import os
import socket
import threading
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import pages
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App

HEALTH = {"host": "shop.example.com", "path": "/healthcheck/", "status": [], "timeout": 30}
JOURNAL = (
    'Traceback (most recent call last):\n  File "/srv/shop/releases/a-1/src/views.py", line 3, in login\nKeyError: 1'
)


@pytest.fixture
def visit(tmp_path):
    """visit(answers): the problems of a release that gives these raw answers by path, and the requests that it got."""
    app = App("shop", str(tmp_path))
    release = tmp_path / "shop" / "releases" / "a-1"
    (release / "static" / "css").mkdir(parents=True)
    (release / "static" / "css" / "a.css").touch()
    record = {"units": {}, "health": HEALTH, "migrations": [], "known_migrations": [], "check": ""}
    (release / "release.json").write_text(json.dumps(record | {"static_url": "/static/"}))
    (release / "env").write_text('API_KEY="s3cr3t"\n')
    tools = SimpleNamespace(attempt=lambda _argv: (0, JOURNAL, ""))
    units = SimpleNamespace(app=app, tools=tools, is_down=lambda _unit: False)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.path.relpath(release / "web.sock"))
    listening.listen()
    asked = []

    def serve(answers):
        while True:
            try:
                connection, _address = listening.accept()
            except OSError:
                return
            with connection:
                lines = connection.recv(65536).decode().split("\r\n")
                asked.append(lines)
                connection.sendall(answers[lines[0].split()[1]].replace("\n", "\r\n").encode())

    def visit(answers, arrives=None):
        threading.Thread(target=serve, args=(answers,), daemon=True).start()
        return pages.Pages(units, "a-1", arrives).problems(), asked

    yield visit
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def page(body="", status="200 OK", more=""):
    return f"HTTP/1.1 {status}\nContent-Type: text/html; charset=utf-8\n{more}Connection: close\n\n{body}"


def to(place, more=""):
    return page(status="302 Found", more=f"Location: {place}\n{more}")


def test_a_page_without_problems(visit):
    problems, asked = visit({"/": page('<link href="/static/css/a.css">')})
    assert problems == []
    assert {"Host: shop.example.com", "X-Forwarded-Proto: https"} < set(asked[0])


def test_redirects_of_the_own_host_are_followed_with_their_cookies(visit):
    answers = {
        "/": to("/login/?next=/", "Set-Cookie: a=b; Path=/\n"),
        "/login/?next=/": to("https://shop.example.com/in"),
        "/in": page(status="500 Oops"),
    }
    problems, asked = visit(answers)
    assert len(asked) == 3
    assert "Cookie: a=b" in asked[1]
    (said,) = problems
    assert said.startswith("The app shop itself answers 500 to /in. Its journal says: KeyError: 1 (views.py, line 3)")


@pytest.mark.parametrize(
    "place", ["https://other.example.com/", "//other.example.com/", "ftp://shop.example.com/", "//["]
)
def test_another_host_is_never_asked(visit, place):
    problems, asked = visit({"/": to(place)})
    assert (problems, len(asked)) == ([], 1)


OWN = {"www.shop.example.com": "www.shop.example.com", "shop.example.org": "shop.example.com"}


def names(name):
    return OWN.get(name, "")


def test_another_name_of_the_app_is_asked_with_that_name_and_its_own_cookies(visit):
    answers = {
        "/": to("https://www.shop.example.com/in", "Set-Cookie: a=b\n"),
        "/in": page(status="500 Oops"),
    }
    (said,), asked = visit(answers, names)
    assert said.startswith("The app shop itself answers 500 to /in.")
    assert "Host: www.shop.example.com" in asked[1]
    assert not any(line.startswith("Cookie:") for line in asked[1])


def test_a_name_that_nginx_redirects(visit):
    answers = {"/": to("http://shop.example.org/in"), "/in": page(status="500 Oops")}
    (said,), asked = visit(answers, names)
    assert "500 to /in" in said
    assert "Host: shop.example.com" in asked[1]


def test_app_and_nginx_redirect_in_a_loop(visit):
    (said,), asked = visit({"/": to("https://shop.example.org/")}, names)
    assert said == (
        "https://shop.example.com/ redirects in a loop: the app answers 302 to https://shop.example.com/ "
        "with a redirect to 'https://shop.example.org/'."
    )
    assert len(asked) == 2


def test_a_stranger_is_never_asked_even_with_names(visit):
    assert len(visit({"/": to("https://other.example.com/")}, names)[1]) == 1


def test_a_loop(visit):
    (said,), asked = visit({"/": to("/a"), "/a": to("/")})
    assert "redirects in a loop" in said
    assert len(asked) == 3


def test_redirects_without_end(visit):
    answers = {"/": to("/0")} | {f"/{number}": to(f"/{number + 1}") for number in range(50)}
    (said,), asked = visit(answers)
    assert "redirects in a loop" in said
    assert len(asked) == pages.MAX_REDIRECTS + 1


def test_missing_static_files(visit):
    links = "".join(f'<link href="/static/css/{name}.css">' for name in "abcdefgh")
    (said,), _asked = visit({"/": page(links + '<script src="/static/%00.js">')})
    assert "looks for them: css/b.css, css/c.css, css/d.css, css/e.css, css/f.css and 3 more." in said


def test_what_is_no_page_has_no_static_files(visit):
    body = 'Content-Type: application/json\nConnection: close\n\n"<link href=/static/b.css>"'
    assert visit({"/": f"HTTP/1.1 200 OK\n{body}"})[0] == []
    assert visit({"/": page(status="404 Not Found")})[0] == []


def test_no_answer(visit):
    (said,), _asked = visit({"/": "no HTTP\n"})
    assert said.startswith("The app shop gives no answer: ")
    (said,), _asked = visit({"/": f"no HTTP {'x' * 10_000}\n"})
    assert len(said) < 500


def test_an_app_that_does_not_answer_in_time(visit, monkeypatch):
    monkeypatch.setattr(pages, "VISIT_SECONDS", 0.1)
    monkeypatch.setattr(pages, "get", lambda *arguments: pages.Answer(0, problem=f"waits {arguments[-1]:.0f} s"))
    assert visit({})[0][0].startswith("The app shop waits 1 s (/).")
