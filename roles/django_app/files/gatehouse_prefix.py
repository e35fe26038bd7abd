"""Serve the application below a path of the site, like `/shop/`: the app's option `prefix`.

nginx passes the whole path of a request. This module splits the prefix from it, and the application gets it as
SCRIPT_NAME (WSGI) or `root_path` (ASGI). It comes from the release, and never from a header, which a client could send.
"""

import os
from urllib.parse import quote

# Without its last slash, like SCRIPT_NAME; empty for an app that a site serves at `/`.
PREFIX = os.environ.get("GATEHOUSE_PREFIX", "").rstrip("/")
# nginx sends the file of this path. A client never gets the header.
SENDFILE = "x-accel-redirect"


def prepare_import():
    """Set the prefix for URLs that modules of the project make while they are imported. Django sets it per request."""
    if PREFIX:
        from django.urls import set_script_prefix

        set_script_prefix(f"{PREFIX}/")


def wsgi(application):
    """Return the WSGI application below the prefix."""
    if not PREFIX:
        return application

    def serve(environ, start_response):
        path = environ["PATH_INFO"]
        if path == PREFIX:
            location = with_slash(environ.get("QUERY_STRING", ""))
            start_response("308 Permanent Redirect", [("Location", location), ("Content-Length", "0")])
            return []
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = PREFIX, inner(path)

        def start(status, headers, *error):
            return start_response(status, [(name, sendfile(name, value)) for name, value in headers], *error)

        return application(environ, start)

    return serve


def asgi(application):
    """Return the ASGI application below the prefix."""
    if not PREFIX:
        return application

    async def serve(scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            await application(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] == PREFIX:
            location = with_slash(scope.get("query_string", b"").decode("latin-1")).encode("latin-1")
            headers = [(b"location", location), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 308, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_below(message):
            if message["type"] == "http.response.start":
                message = {**message, "headers": [sendfile_bytes(*header) for header in message.get("headers", ())]}
            await send(message)

        await application(below(scope), receive, send_below)

    return serve


def inner(path):
    """Return *path* without the prefix. A request that does not come from nginx can lack it, like a health check."""
    return path.removeprefix(PREFIX) if path.startswith(f"{PREFIX}/") else path


def below(scope):
    """Return *scope* with the prefix as `root_path`, and the whole path, as ASGI and Django's handler have it.

    A websocket gets the path without the prefix. Applications compare it with their own paths, and the URLRouter of
    Channels does not know `root_path` before version 4.2.
    """
    path, raw = inner(scope["path"]), scope.get("raw_path")
    outer = "" if scope["type"] == "websocket" else PREFIX
    found = {**scope, "root_path": outer, "path": f"{outer}{path}"}
    if raw is not None and found["path"] != scope["path"]:
        found["raw_path"] = quote(found["path"], safe="/:@!$&'()*+,;=~").encode()
    return found


def with_slash(query):
    """Return the URL of the prefix with its slash: relative links on the app's first page need it."""
    return f"{PREFIX}/{'?' if query else ''}{query}"


def sendfile(name, value):
    """Return the *value* of a response header, with the prefix in the path of a file that nginx is to send."""
    is_path = name.lower() == SENDFILE and value.startswith("/")
    return f"{PREFIX}{value}" if is_path and not value.startswith(f"{PREFIX}/") else value


def sendfile_bytes(name, value):
    if name.lower() != SENDFILE.encode():
        return name, value
    return name, sendfile(SENDFILE, value.decode("latin-1")).encode("latin-1")
