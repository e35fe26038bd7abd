"""The prefix of a mounted app, for WSGI and ASGI applications."""

from __future__ import annotations

import asyncio
import runpy
import sys
import types
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[4] / "roles/django_app/files/gatehouse_prefix.py"


@pytest.fixture
def load(monkeypatch):
    def run(prefix):
        monkeypatch.setenv("GATEHOUSE_PREFIX", prefix)
        return types.SimpleNamespace(**runpy.run_path(str(FILE)))

    return run


@pytest.fixture
def through_wsgi(load):
    def ask(path, prefix="/shop/", query="", headers=()):
        seen, started = {}, []

        def application(environ, start_response):
            seen.update(environ)
            start_response("200 OK", list(headers))
            return [b"answer"]

        environ = {"PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": query}
        load(prefix).wsgi(application)(environ, lambda *given: started.append(given))
        return seen, started[0]

    return ask


@pytest.fixture
def through_asgi(load):
    def ask(path, prefix="/shop/", kind="http", query=b"", headers=(), **more):
        seen, sent = {}, []

        async def application(scope, receive, send):
            seen.update(scope)
            await send({"type": f"{kind}.response.start", "status": 200, "headers": list(headers)})

        async def keep(message):
            sent.append(message)

        scope = {"type": kind, "path": path, "query_string": query, **more}
        asyncio.run(load(prefix).asgi(application)(scope, None, keep))
        return seen, sent[0]

    return ask


def test_without_a_prefix_the_application_is_asked_itself(load):
    assert load("").wsgi(print) is load("").asgi(print) is print


@pytest.mark.parametrize(
    ("path", "inner"),
    [
        ("/shop/", "/"),
        ("/shop/a/b", "/a/b"),
        # Once only: the project may have a page of that name.
        ("/shop/shop/", "/shop/"),
        # A health check.
        ("/", "/"),
        ("/a", "/a"),
        ("/shopping/", "/shopping/"),
    ],
)
def test_the_prefix_is_split_from_the_path(through_wsgi, through_asgi, path, inner):
    environ, _started = through_wsgi(path)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/shop", inner)
    scope, _sent = through_asgi(path)
    # The path of ASGI contains it.
    assert (scope["root_path"], scope["path"]) == ("/shop", f"/shop{inner}")


def test_a_prefix_of_several_parts(through_wsgi):
    environ, _started = through_wsgi("/a/b/c", "/a/b/")
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/a/b", "/c")


def test_the_raw_path_agrees_with_the_path(through_asgi):
    assert through_asgi("/shop/é", raw_path=b"/shop/%C3%A9")[0]["raw_path"] == b"/shop/%C3%A9"
    assert through_asgi("/é", raw_path=b"/%C3%A9")[0]["raw_path"] == b"/shop/%C3%A9"


def test_a_websocket_has_the_path_without_the_prefix(through_asgi):
    scope, _sent = through_asgi("/shop/ws/é", kind="websocket", raw_path=b"/shop/ws/%C3%A9")
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == ("", "/ws/é", b"/ws/%C3%A9")


def test_lifespan_passes_through(load):
    seen = []

    async def application(scope, receive, send):
        seen.append(scope)

    asyncio.run(load("/shop/").asgi(application)({"type": "lifespan"}, None, None))
    assert seen == [{"type": "lifespan"}]


@pytest.mark.parametrize(("query", "location"), [("", "/shop/"), ("a=1&b=%20", "/shop/?a=1&b=%20")])
def test_the_prefix_without_its_slash_is_redirected(through_wsgi, through_asgi, query, location):
    environ, (status, headers) = through_wsgi("/shop", query=query)
    assert (environ, status, dict(headers)["Location"]) == ({}, "308 Permanent Redirect", location)
    scope, sent = through_asgi("/shop", query=query.encode())
    assert (scope, sent["status"], dict(sent["headers"])[b"location"]) == ({}, 308, location.encode())


@pytest.mark.parametrize(
    ("value", "sent"),
    [("/files/a", "/shop/files/a"), ("/shop/files/a", "/shop/files/a"), ("@named", "@named"), ("/é", "/shop/é")],
)
def test_files_that_nginx_is_to_send_are_below_the_prefix(through_wsgi, through_asgi, value, sent):
    _environ, (_status, headers) = through_wsgi("/shop/", headers=[("X-Accel-Redirect", value), ("X", "/files/a")])
    assert headers == [("X-Accel-Redirect", sent), ("X", "/files/a")]
    pairs = [(b"x-accel-redirect", value.encode("latin-1")), (b"x", b"/files/a")]
    assert through_asgi("/shop/", headers=pairs)[1]["headers"] == [
        (b"x-accel-redirect", sent.encode("latin-1")),
        (b"x", b"/files/a"),
    ]


@pytest.mark.parametrize(("prefix", "expected"), [("/shop/", ["/shop/"]), ("", [])])
def test_urls_that_are_made_at_import_have_the_prefix(load, monkeypatch, prefix, expected):
    found = []
    urls = types.SimpleNamespace(set_script_prefix=found.append)
    monkeypatch.setitem(sys.modules, "django.urls", urls)
    load(prefix).prepare_import()
    assert found == expected
