"""Wrap the project's application for gunicorn, and set the client's address, scheme, host and port.

gunicorn cannot get these from a unix socket. Only nginx connects to the socket: on each request it sets `Host`,
`X-Forwarded-For` and `X-Forwarded-Proto`, and drops the values of the client. Only this module reads them, before any
code of the project runs.
"""

import asyncio
import socket

import gatehouse_prefix
from gatehouse_errors import report_errors
from gunicorn.util import import_app

# A request without these headers comes from this host: a health check, an operator with curl.
LOCAL_ADDRESS = "127.0.0.1"
LOCAL_NAME = "localhost"
DEFAULT_PORTS = {"http": 80, "https": 443}
WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss"}
# IANA's registry of close codes: "Service Restart". Clients connect again, and reach the new release.
SERVICE_RESTART = 1012

# The `send` of each websocket of this process.
websockets = set()


def wsgi(name):
    """Return the WSGI application `module:name` of the project."""
    application = gatehouse_prefix.wsgi(load(name))

    def serve(environ, start_response):
        scheme = read_scheme(environ.get("HTTP_X_FORWARDED_PROTO", ""))
        host, port = read_host(environ.get("HTTP_HOST", ""), scheme)
        environ["wsgi.url_scheme"] = scheme
        environ["REMOTE_ADDR"] = read_address(environ.get("HTTP_X_FORWARDED_FOR", ""))
        environ["SERVER_NAME"] = host
        environ["SERVER_PORT"] = str(port)
        return application(environ, start_response)

    return serve


def asgi(name):
    """Return the ASGI application `module:name` of the project."""
    application = gatehouse_prefix.asgi(load(name))

    async def serve(scope, receive, send):
        if scope["type"] in ("http", "websocket"):
            headers = dict(scope["headers"])
            scheme = read_scheme(headers.get(b"x-forwarded-proto", b"").decode("latin-1"))
            scope["scheme"] = scheme if scope["type"] == "http" else WEBSOCKET_SCHEMES[scheme]
            # The specification requires a port, but nginx does not send that of the client.
            scope["client"] = (read_address(headers.get(b"x-forwarded-for", b"").decode("latin-1")), 0)
            scope["server"] = read_host(headers.get(b"host", b"").decode("latin-1"), scheme)
        if scope["type"] != "websocket":
            return await application(scope, receive, send)
        websockets.add(send)
        try:
            await application(scope, receive, send)
        finally:
            websockets.discard(send)

    return serve


async def close_websockets():
    """Close the websockets of this process, as an application does. Their applications receive a disconnect."""
    event = {"type": "websocket.close", "code": SERVICE_RESTART}
    await asyncio.gather(*(send(event) for send in list(websockets)), return_exceptions=True)


def load(name):
    """Import the application `module:name` of the project."""
    gatehouse_prefix.prepare_import()
    application = import_app(name)
    report_errors()
    return application


def nearest(value):
    """Return the last item of a list in a header, which the nearest proxy added."""
    return value.rpartition(",")[2].strip()


def read_scheme(value):
    return "https" if nearest(value) == "https" else "http"


def read_address(value):
    address = nearest(value)
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    # nginx sends `unix:` for a client of a unix socket.
    except (OSError, ValueError):
        return LOCAL_ADDRESS
    return address


def read_host(value, scheme):
    """Return the name and the port of a Host header. An IPv6 address stays in its brackets (RFC 3875, 4.1.14)."""
    name, colon, port = value.rpartition(":")
    if not colon or port.endswith("]"):
        name, port = value, ""
    # Limit the digits to those of a port, because int() rejects very long numbers.
    number = int(port) if port.isdecimal() and len(port) <= 5 else 0
    return name.lower() or LOCAL_NAME, number if 0 < number < 65536 else DEFAULT_PORTS[scheme]
