"""The values that the server sets for WSGI and ASGI requests."""

from __future__ import annotations

import asyncio
import runpy
import sys
import types
from pathlib import Path

import pytest

SERVER = Path(__file__).resolve().parents[4] / "roles/django_app/files/gatehouse_server.py"
FILLED = ("REMOTE_ADDR", "wsgi.url_scheme", "SERVER_NAME", "SERVER_PORT")


class Asked:
    """An application that keeps what it is called with."""

    def wsgi(self, environ, start_response):
        self.environ, self.start_response = environ, start_response
        return [b"answer"]

    async def asgi(self, scope, receive, send):
        self.scope = scope
        await send(await receive())


@pytest.fixture
def asked():
    return Asked()


@pytest.fixture
def server(asked, monkeypatch):
    util = types.ModuleType("gunicorn.util")

    def import_app(name):
        assert name.startswith("shop.")
        return getattr(asked, name.rpartition(":")[2])

    util.import_app = import_app
    errors = types.ModuleType("gatehouse_errors")
    errors.report_errors = lambda: None
    monkeypatch.setitem(sys.modules, "gatehouse_errors", errors)
    # Another test is about it (test_gatehouse_prefix.py).
    prefix = types.SimpleNamespace(prepare_import=lambda: None, wsgi=lambda found: found, asgi=lambda found: found)
    monkeypatch.setitem(sys.modules, "gatehouse_prefix", prefix)
    monkeypatch.setitem(sys.modules, "gunicorn", types.ModuleType("gunicorn"))
    monkeypatch.setitem(sys.modules, "gunicorn.util", util)
    return types.SimpleNamespace(**runpy.run_path(str(SERVER)))


def environ_of(headers):
    # As gunicorn makes it for a request that came through a unix socket.
    given = {"REMOTE_ADDR": "", "SERVER_NAME": "/srv/shop", "SERVER_PORT": "", "wsgi.url_scheme": "http"}
    return given | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


@pytest.fixture
def through_wsgi(server, asked):
    def ask(headers):
        assert server.wsgi("shop.wsgi:wsgi")(environ_of(headers), print) == [b"answer"]
        assert asked.start_response is print
        return tuple(asked.environ[name] for name in FILLED)

    return ask


@pytest.fixture
def through_asgi(server, asked):
    def ask(headers, kind="http"):
        pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        scope = {"type": kind, "scheme": "http", "server": "/srv/shop/web.sock", "client": None, "headers": pairs}
        sent = []

        async def receive():
            return {"type": "an event"}

        async def send(event):
            sent.append(event)

        asyncio.run(server.asgi("shop.asgi:asgi")(scope, receive, send))
        assert sent == [{"type": "an event"}]
        address, port = asked.scope["client"]
        assert port == 0
        name, port = asked.scope["server"]
        assert isinstance(port, int)
        return address, asked.scope["scheme"], name, str(port)

    return ask


REQUESTS = [
    ({}, ("127.0.0.1", "http", "localhost", "80")),
    (
        {"Host": "shop.example.com", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"},
        ("192.0.2.7", "https", "shop.example.com", "443"),
    ),
    ({"Host": "shop.example.com", "X-Forwarded-Proto": "http"}, ("127.0.0.1", "http", "shop.example.com", "80")),
    ({"Host": "Shop.Example.COM:8443"}, ("127.0.0.1", "http", "shop.example.com", "8443")),
    ({"Host": "[2001:db8::1]", "X-Forwarded-Proto": "https"}, ("127.0.0.1", "https", "[2001:db8::1]", "443")),
    ({"Host": "[2001:DB8::1]:8443"}, ("127.0.0.1", "http", "[2001:db8::1]", "8443")),
    ({"X-Forwarded-For": "2001:db8::7"}, ("2001:db8::7", "http", "localhost", "80")),
    # A proxy that appends has written the last one.
    (
        {"X-Forwarded-For": "203.0.113.7, 192.0.2.7", "X-Forwarded-Proto": "http, https"},
        ("192.0.2.7", "https", "localhost", "443"),
    ),
]


@pytest.mark.parametrize(("headers", "told"), REQUESTS)
def test_both_interfaces_set_the_same_values(through_wsgi, through_asgi, headers, told):
    assert through_wsgi(headers) == told
    assert through_asgi(headers) == told


@pytest.mark.parametrize(
    "address", ["", "unix:", "unknown", "192.0.2", "192.0.2.7:80", "::1%lo", "\x00", "ü", "1" * 99]
)
def test_an_invalid_address_is_replaced(through_wsgi, address):
    assert through_wsgi({"X-Forwarded-For": address})[0] == "127.0.0.1"


@pytest.mark.parametrize("scheme", ["HTTPS", "on", "https, http", "httpss", "\xb2"])
def test_only_https_is_https(through_wsgi, scheme):
    assert through_wsgi({"X-Forwarded-Proto": scheme})[1] == "http"


@pytest.mark.parametrize("port", ["", "0", "65536", "-1", " 1", "1 ", "8_0", "0x50", "\xb2", "9" * 5000, "a"])
def test_an_invalid_port_is_replaced_by_the_default(through_wsgi, port):
    assert through_wsgi({"Host": f"shop.example.com:{port}"})[2:] == ("shop.example.com", "80")


@pytest.mark.parametrize(("proto", "scheme"), [("http", "ws"), ("https", "wss")])
def test_a_websocket(through_asgi, proto, scheme):
    headers = {"Host": "shop.example.com", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": proto}
    port = {"http": "80", "https": "443"}[proto]
    assert through_asgi(headers, "websocket") == ("192.0.2.7", scheme, "shop.example.com", port)


def test_open_websockets_are_closed(server, asked, monkeypatch):
    """One that cannot be closed any more keeps no other one open."""
    websockets, events = server.asgi.__globals__["websockets"], []

    async def application(_scope, receive, send):
        await receive()

    async def converse(fails):
        over = asyncio.Event()

        async def send(event):
            over.set()
            events.append(event)
            if fails:
                raise OSError("closed")

        await server.asgi("shop.asgi:asgi")({"type": "websocket", "headers": []}, over.wait, send)

    async def serve():
        talks = [asyncio.create_task(converse(fails)) for fails in (True, False)]
        await asyncio.sleep(0)
        assert len(websockets) == 2
        await server.close_websockets()
        await asyncio.gather(*talks)

    monkeypatch.setattr(asked, "asgi", application)
    asyncio.run(serve())
    assert events == [{"type": "websocket.close", "code": 1012}] * 2
    assert not websockets


def test_lifespan_passes_through(server, asked):
    scope = {"type": "lifespan", "state": {}}
    events = []

    async def receive():
        return {"type": "lifespan.startup"}

    async def send(event):
        events.append(event)

    asyncio.run(server.asgi("shop.asgi:asgi")(scope, receive, send))
    assert asked.scope is scope
    assert (scope, events) == ({"type": "lifespan", "state": {}}, [{"type": "lifespan.startup"}])


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_an_import_error_of_the_application_is_raised(server, interface, monkeypatch):
    error = ModuleNotFoundError("No module named 'shop'")

    def fail(name):
        raise error

    make = getattr(server, interface)
    monkeypatch.setitem(make.__globals__, "import_app", fail)
    with pytest.raises(ModuleNotFoundError) as caught:
        make("shop.wsgi:application")
    assert caught.value is error
