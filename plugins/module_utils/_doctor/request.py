# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request to a site of this host, and its answer."""

from __future__ import annotations

import hmac
import posixpath
import re
import secrets
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

DEFAULT_PORTS = {"http": "80", "https": "443"}
# Of this process: a visitor does not know it, and from its own requests a site learns nothing about those to another.
KEY = secrets.token_bytes(16)


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
