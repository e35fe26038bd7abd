"""Visitors of the balancer while something happens behind it, and what became of each of their requests."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import uuid4

from benchmarks.fleet.project import NAME
from tests.testinfra.helpers.websocket import CLOSE, TEXT, Websocket

LONGEST = 30  # seconds that a visitor waits for an answer
PAUSE = 0.25  # seconds between two requests of one visitor
SLOW = 3  # seconds that a slow page takes
READING = 4  # seconds from a page to its files, for a visitor with a slow connection
# How many visitors of each kind there are.
KINDS = {"GET": 4, "kept": 2, "form": 3, "slow": 2, "page": 2, "late page": 2, "websocket": 2, "short websocket": 1}
ERRORS = (OSError, http.client.HTTPException, ValueError, TypeError, struct.error, AssertionError)


class Wrong(ValueError):
    """An answer that is not the one that was asked for."""


@dataclass(frozen=True)
class Request:
    """One request, or one message of a websocket; *begin* and *end* in seconds of the monotonic clock."""

    kind: str
    begin: float
    end: float
    problem: str = ""
    node: str = ""


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Connection(http.client.HTTPSConnection):
    """To the balancer's address, with the site's name in the handshake."""

    def __init__(self, address: str) -> None:
        super().__init__(address, timeout=LONGEST, context=trusting())

    def connect(self) -> None:
        plain = socket.create_connection((self.host, 443), timeout=LONGEST)
        self.sock = self._context.wrap_socket(plain, server_hostname=NAME)

    def ask(
        self, path: str, good: int = 200, body: str | None = None, **headers: str
    ) -> tuple[bytes, http.client.HTTPMessage]:
        self.request("POST" if body else "GET", path, body, {"Host": NAME, **headers})
        answer = self.getresponse()
        content = answer.read()
        if answer.status != good:
            raise Wrong(str(answer.status))
        return content, answer.headers


@dataclass
class Load:
    """The visitors of the site at an address, from the start of a context to its end."""

    address: str
    requests: list[Request] = field(default_factory=list)
    forms: dict[str, bool] = field(default_factory=dict)  # the row's text, and whether it was acknowledged
    files: set[str] = field(default_factory=set)  # each hashed file that a page has named
    torn: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)

    def __enter__(self) -> Load:
        page, headers = self.once("/")
        self.cookie = (headers["Set-Cookie"] or "").partition(";")[0]
        self.token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page.decode())[1]
        self.over = threading.Event()
        kinds = [kind for kind, count in KINDS.items() for _number in range(count)]
        self.threads = [threading.Thread(target=self.visit, args=(kind,), daemon=True) for kind in kinds]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(LONGEST + READING)

    def visit(self, kind: str) -> None:
        step = getattr(self, kind.replace(" ", "_").lower())
        connection = Connection(self.address) if kind == "kept" else None
        while not self.over.is_set():
            begin = time.monotonic()
            try:
                node, problem = (step(connection) if connection else step()) or "", ""
            except ERRORS as error:
                node, problem = "", str(error) if isinstance(error, Wrong) else type(error).__name__
                if connection:
                    connection.close()
            self.requests.append(Request(kind, begin, time.monotonic(), problem, node))
            self.over.wait(PAUSE)

    def once(self, path: str, good: int = 200, body: str | None = None, **headers: str):
        connection = Connection(self.address)
        try:
            return connection.ask(path, good, body, Connection="close", **headers)
        finally:
            connection.close()

    def get(self) -> str:
        return json.loads(self.once("/whoami")[0])["node"]

    def kept(self, connection: Connection) -> str:
        """Over one connection, as long as nginx keeps it."""
        return json.loads(connection.ask("/whoami")[0])["node"]

    def form(self) -> None:
        name = uuid4().hex
        self.forms[name] = False
        body = urlencode({"name": name, "message": "m", "csrfmiddlewaretoken": self.token})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": self.cookie}
        self.once("/", 302, body, Origin=f"https://{NAME}", **headers)
        self.forms[name] = True

    def slow(self) -> None:
        self.once(f"/sleep?seconds={SLOW}")

    def page(self, reading: float = 0) -> None:
        files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', self.once("/")[0].decode()))
        if len(files) < 3:
            raise Wrong("page without files")
        self.files |= files
        self.over.wait(reading)
        try:
            for file in sorted(files):
                self.once(file)
        except ERRORS as error:
            self.torn.append(f"{file}: {error}")
            raise

    def late_page(self) -> None:
        self.page(READING)

    def websocket(self) -> None:
        """Messages over one connection. It is opened again after it was cut, as pages do."""
        with Websocket(self.address, NAME, "/ws/echo", 443, trusting()) as talk:
            if talk.status != 101:
                raise Wrong(f"handshake {talk.status}")
            while not self.over.wait(PAUSE):
                talk.send(TEXT, b"hello")
                kind, payload = talk.receive()
                if kind == CLOSE:
                    self.cut.append(str(int.from_bytes(payload[:2], "big")))
                    return
                if (kind, payload) != (TEXT, b"hello"):
                    raise Wrong("another message")

    def short_websocket(self) -> None:
        with Websocket(self.address, NAME, "/ws/echo", 443, trusting()) as talk:
            if talk.status != 101:
                raise Wrong(f"handshake {talk.status}")
            talk.send(TEXT, b"hello")
            if talk.receive() != (TEXT, b"hello"):
                raise Wrong("no echo")
