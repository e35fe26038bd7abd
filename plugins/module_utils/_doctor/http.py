# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends one request to nginx as a visitor would, but to this host."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlencode

from ansible_collections.gatehouse.django.plugins.module_utils._core.bounded import BoundedSocket, left
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Form, Problem, Request
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import is_address

SECURE = re.compile(r";\s*secure\s*(?:;|$)", re.IGNORECASE)
MAX_BODY = 128 * 1024  # bytes of a page that are kept
# Answers whose body says who refused the request, or which files a page needs.
TEXT = re.compile(r"(?:text/|application/(?:json|xhtml))", re.IGNORECASE)


def ask(
    request: Request, cookies: Sequence[str], timeout: float, form: Form | None = None, *, method: str = "GET"
) -> Answer:
    """Return the answer to *request*; a *form* is sent with POST.

    The certificate is kept, not verified: another check examines it. All of it takes at most *timeout* seconds.
    """
    certificate, client, began = b"", "", time.time()
    deadline = time.monotonic() + timeout
    try:
        connection = http.client.HTTPConnection(request.address, int(request.port))
        sock = socket.create_connection((request.address, int(request.port)), timeout=left(deadline))
        client = sock.getsockname()[0]
        try:
            if request.proxy_protocol:
                sock.sendall(b"PROXY UNKNOWN\r\n")
            if request.tls:
                sock.settimeout(left(deadline))
                sock = secured = _start_tls(sock, request.name)
                certificate = secured.getpeercert(binary_form=True) or b""
            connection.sock = cast("socket.socket", BoundedSocket(sock, deadline))
            _send(connection, request, cookies, form, method)
            response = connection.getresponse()
            set_cookie = response.headers.get_all("Set-Cookie") or []
            body, is_whole = _text(response)
            return Answer(
                response.status,
                location=response.getheader("Location") or "",
                certificate=certificate,
                cookies=tuple(line.partition(";")[0] for line in set_cookie),
                secure_cookies=tuple(line.partition("=")[0].strip() for line in set_cookie if SECURE.search(line)),
                body=body,
                is_unfinished=not is_whole,
                content_type=response.getheader("Content-Type") or "",
                challenge=response.getheader("WWW-Authenticate") or "",
                allow=response.getheader("Allow") or "",
                client=client,
                began=began,
                ended=time.time(),
            )
        finally:
            sock.close()
    except TimeoutError:
        return Answer(0, Problem.TIMEOUT, certificate=certificate, client=client, began=began, ended=time.time())
    except ConnectionRefusedError:
        return Answer(0, Problem.REFUSED)
    except ssl.SSLError as error:
        return Answer(0, Problem.TLS, str(error.reason or error))
    # ValueError: what the app has sent, a cookie for example, cannot be sent back.
    except (OSError, ValueError, http.client.HTTPException) as error:
        detail = str(getattr(error, "strerror", None) or error or type(error).__name__)
        ended = time.time()
        return Answer(0, Problem.CLOSED, detail, certificate=certificate, client=client, began=began, ended=ended)


def _text(response: http.client.HTTPResponse) -> tuple[str, bool]:
    """The first bytes of a text, and whether it ended in time. An event stream has no end."""
    body, kind = bytearray(), response.getheader("Content-Type") or ""
    is_read, is_whole = TEXT.match(kind) and "event-stream" not in kind, True
    try:
        while is_read and len(body) < MAX_BODY:
            chunk = response.read1(MAX_BODY - len(body))
            body += chunk
            if not chunk:
                break
    except TimeoutError:
        is_whole = False
    except (OSError, ValueError, http.client.HTTPException):
        pass
    return body.decode("utf-8", errors="replace"), is_whole


def _start_tls(connection: socket.socket, name: str) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname=None if is_address(name) else name)


def _send(
    connection: http.client.HTTPConnection,
    request: Request,
    cookies: Sequence[str],
    form: Form | None,
    method: str,
) -> None:
    body = urlencode(form.fields).encode() if form else b""
    connection.putrequest("POST" if form else method, request.sent_path, skip_host=True)
    for header in (("Host", request.host), ("User-Agent", "gatehouse-doctor"), ("Connection", "close")):
        connection.putheader(*header)
    if cookies:
        connection.putheader("Cookie", "; ".join(cookies))
    if form is None:
        connection.putheader("Referer", request.referrer)
    else:
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        connection.putheader("Content-Length", str(len(body)))
        for name, value in form.headers:
            connection.putheader(name, value)
    connection.endheaders(body or None)
