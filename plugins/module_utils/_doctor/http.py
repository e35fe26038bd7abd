# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks nginx as a visitor would, but at this host, and follows where it is sent."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import is_address

# Seconds for a page and all that it redirects to. nginx gives an application up after 60, unless it is told otherwise.
TIMEOUT = 65.0
REDIRECTS = 10
AT_ONCE = 8
PAUSE = 0.5
DEFAULT = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class Request:
    """A page of a site, and where on this host it is asked for."""

    site: str
    name: str
    address: str
    port: str
    tls: bool
    path: str
    proxy_protocol: bool = False

    @property
    def host(self) -> str:
        """The Host header."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if DEFAULT[self.scheme] == self.port else f"{name}:{self.port}"

    @property
    def scheme(self) -> str:
        """The URL's scheme."""
        return "https" if self.tls else "http"

    @property
    def url(self) -> str:
        """The URL without its query, which may hold what is nobody's business."""
        return f"{self.scheme}://{self.host}{self.path.partition('?')[0]}"


@dataclass(frozen=True)
class Answer:
    """What came back; *status* is 0 where *error* says why there is none."""

    status: int
    error: str = ""
    location: str = ""
    certificate: bytes = b""
    cookies: tuple[str, ...] = ()


# A page, and the pages that it leads to, with their answers.
Visit = list[tuple[Request, Answer]]


def ask(request: Request, cookies: Sequence[str] = (), timeout: float | None = None) -> Answer:
    """One answer. Nobody's certificate is verified: what is wrong with it is another question."""
    shown, limit = b"", TIMEOUT if timeout is None else timeout
    try:
        connection = http.client.HTTPConnection(request.address, int(request.port), timeout=limit)
        connection.sock = socket.create_connection((request.address, int(request.port)), timeout=limit)
        try:
            if request.proxy_protocol:
                connection.sock.sendall(b"PROXY UNKNOWN\r\n")
            if request.tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                name = None if is_address(request.name) else request.name
                secured = context.wrap_socket(connection.sock, server_hostname=name)
                connection.sock, shown = secured, secured.getpeercert(binary_form=True) or b""
            path = quote(request.path, safe="/%?&=:+,;@!$'()*~[]", errors="surrogateescape")
            connection.putrequest("GET", path, skip_host=True)
            for header in (("Host", request.host), ("User-Agent", "gatehouse-doctor"), ("Connection", "close")):
                connection.putheader(*header)
            if cookies:
                connection.putheader("Cookie", "; ".join(cookies))
            connection.endheaders()
            response = connection.getresponse()
            given = tuple(line.partition(";")[0] for line in response.headers.get_all("Set-Cookie") or ())
            return Answer(response.status, "", response.getheader("Location") or "", shown, given)
        finally:
            connection.close()
    except TimeoutError:
        return Answer(0, "timeout", certificate=shown)
    except ConnectionRefusedError:
        return Answer(0, "refused")
    except ssl.SSLError as error:
        return Answer(0, f"tls: {error.reason or error}")
    # ValueError: what the app has sent, a cookie for example, cannot be sent back.
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Answer(0, f"closed: {getattr(error, 'strerror', None) or error or type(error).__name__}", "", shown)


def visit(request: Request, find: Callable[[str], Request | None]) -> Visit:
    """Ask, and follow redirects as long as they stay at this host, where *find* says what a URL is."""
    steps: Visit = []
    known: set[tuple[str, str, str]] = set()
    cookies: dict[str, str] = {}
    following: Request | None = request
    deadline = time.monotonic() + TIMEOUT
    while following and len(steps) <= REDIRECTS:
        left = max(deadline - time.monotonic(), 1.0)
        answer = ask(following, [f"{name}={value}" for name, value in cookies.items()], left)
        # Some pages are shown only to a visitor who keeps cookies.
        cookies |= dict(one.partition("=")[::2] for one in answer.cookies if one.isprintable())
        steps.append((following, answer))
        here = (following.scheme, following.host, following.path)
        if here in known or answer.status not in (301, 302, 303, 307, 308) or not answer.location:
            break
        known.add(here)
        target = destination(following, answer)
        following = find(target.geturl()) if target and target.scheme in DEFAULT else None
    return steps


def destination(request: Request, answer: Answer) -> SplitResult | None:
    """Where *answer* redirects to, None where its Location is no URL."""
    try:
        target = urlsplit(urljoin(f"{request.scheme}://{request.host}{request.path}", answer.location))
        # Reading it checks it.
        _port = target.port
    except ValueError:
        return None
    return target


def visit_all(
    requests: Sequence[Request], find: Callable[[str], Request | None], hopeless: Callable[[Request], bool]
) -> list[Visit]:
    """Visit several pages at once. One for which *hopeless* says so is not waited for."""
    done: SimpleQueue[tuple[int, Visit]] = SimpleQueue()
    turn = threading.Semaphore(AT_ONCE)

    def go(number: int) -> None:
        with turn:
            try:
                steps = visit(requests[number], find)
            except Exception as error:
                # A thread that ends without a word would be waited for without end.
                steps = [(requests[number], Answer(0, f"closed: {type(error).__name__}: {error}"))]
            done.put((number, steps))

    found: dict[int, Visit] = {}
    for number in range(len(requests)):
        # Whoever still waits for an answer ends with the process.
        threading.Thread(target=go, args=(number,), daemon=True).start()
    while len(found) < len(requests):
        try:
            number, steps = done.get(timeout=PAUSE)
            found.setdefault(number, steps)
        except Empty:
            for number, request in enumerate(requests):
                if number not in found and hopeless(request):
                    found[number] = [(request, Answer(0, "hopeless"))]
    return [found[number] for number in range(len(requests))]
