# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends one request to nginx as a visitor would, but to this host."""

from __future__ import annotations

import hmac
import http.client
import posixpath
import re
import secrets
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast
from urllib.parse import SplitResult, quote, unquote, urlencode, urljoin, urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._core.bounded import BoundedSocket, left
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import is_address

DEFAULT_PORTS = {"http": "80", "https": "443"}
SECURE = re.compile(r";\s*secure\s*(?:;|$)", re.IGNORECASE)
# Of this process: a visitor does not know it, and from its own requests a site learns nothing about those to another.
KEY = secrets.token_bytes(16)
MAX_BODY = 128 * 1024  # bytes of a page that are kept
# Answers whose body says who refused the request, or which files a page needs.
TEXT = re.compile(r"(?:text/|application/(?:json|xhtml))", re.IGNORECASE)


class Problem(Enum):
    """Why there is no answer."""

    REFUSED = auto()
    TIMEOUT = auto()
    TLS = auto()
    # The connection ended before there was an answer, or with one that is not HTTP.
    CLOSED = auto()
    # The app behind the site does not start: the doctor did not wait for the answer.
    APP_FAILS = auto()


@dataclass(frozen=True)
class Request:
    """A page of a site, the address of this host that it is sent to, and the part of nginx's configuration for it."""

    site: str
    name: str
    address: str
    port: str
    tls: bool
    path: str
    # The server block that gets the request, and the location (or the server) that answers it in the end.
    server: Directive
    location: Directive
    proxy_protocol: bool = False
    # Whether nginx speaks TLS on the port, whatever the URL says.
    listens_with_tls: bool | None = None

    @property
    def host(self) -> str:
        """The Host header."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if DEFAULT_PORTS[self.scheme] == self.port else f"{name}:{self.port}"

    @property
    def scheme(self) -> str:
        """The URL's scheme."""
        return "https" if self.tls else "http"

    @property
    def sent_path(self) -> str:
        """The path and the query as the request line has them."""
        return quote(self.path, safe="/%?&=:+,;@!$'()*~[]", errors="surrogateescape")

    @property
    def plain_path(self) -> str:
        """The path without its query, which may hold a secret."""
        return self.path.partition("?")[0]

    @property
    def url(self) -> str:
        """The URL without its query."""
        return f"{self.scheme}://{self.host}{self.plain_path}"

    @property
    def referrer(self) -> str:
        """The Referer, by which nginx's error log names this very request."""
        mark = hmac.new(KEY, f"{self.scheme} {self.host} {self.sent_path}".encode(), "sha256").hexdigest()
        return f"{self.scheme}://{self.host}/?gatehouse-doctor={mark[:32]}"

    @property
    def decoded_path(self) -> str:
        """The path as nginx compares it."""
        return decode_path(self.path)


@dataclass(frozen=True)
class Form:
    """The fields of a form, and the headers that say from which page a browser sends it."""

    fields: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Answer:
    """The answer to a request; *status* is 0 where there is none, and then *problem* says why."""

    status: int
    problem: Problem | None = None
    # The system's or OpenSSL's words for the problem.
    detail: str = ""
    location: str = ""
    certificate: bytes = b""
    cookies: tuple[str, ...] = ()
    # Names of the cookies that browsers send over HTTPS only.
    secure_cookies: tuple[str, ...] = ()
    # The first bytes of a text, as text.
    body: str = ""
    # Whether the text did not end in the time that the doctor has.
    is_unfinished: bool = False
    content_type: str = ""
    # WWW-Authenticate and Allow: what an answer 401 or 405 asks for.
    challenge: str = ""
    allow: str = ""
    # The doctor's own address, and when it sent the request and had the answer (seconds since the epoch): by these, the
    # error log names this request.
    client: str = ""
    began: float = 0.0
    ended: float = 0.0

    @property
    def is_redirect(self) -> bool:
        """Whether it sends the visitor to another URL."""
        return bool(self.location) and self.status in (301, 302, 303, 307, 308)


def decode_path(path: str) -> str:
    """The path as nginx compares it: decoded, without query, dots and double slashes."""
    plain = re.sub(r"/+", "/", unquote(re.split(r"[?#]", path)[0], errors="surrogateescape"))
    normal = posixpath.normpath(plain)
    return f"{normal}/" if plain.endswith(("/", "/.", "/..")) and normal != "/" else normal


def destination(request: Request, answer: Answer) -> SplitResult | None:
    """The URL that *answer* redirects to, None where its Location is not a URL."""
    try:
        # Browsers, too, encode a space.
        location = answer.location.strip().replace(" ", "%20")
        target = urlsplit(urljoin(f"{request.scheme}://{request.host}{request.path}", location))
        # Reading the port checks it.
        _port = target.port
    except ValueError:
        return None
    return target


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
