"""Constant load on the project `steady`, as visitors make it, and what became of each of its requests.

    with load(address, name) as seen:
        ...deploy...
    assert seen.failures == []

A dozen visitors with small pauses: enough to meet every moment of a switch, too few to be what slows it down.
"""

import http.client
import json
import re
import threading
import time
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from . import tls as tls_helper
from .long import LONG

# Longer than anything may take that is answered at all.
TIMEOUT = 90
PAUSE = 0.1 if LONG else 0.25
# Seconds that a deployment may add to the worst answer.
SLOWER = 0.5
RELEASE = re.compile(r"[0-9a-f]{12}-[0-9a-f]{8}")


class Unexpected(Exception):
    """An answer came, and it is not the one that was asked for."""


@dataclass(frozen=True)
class Request:
    """One request: its kind, when it began and ended (monotonic), and the release that answered or why none did."""

    kind: str
    start: float
    end: float
    release: str = ""
    cause: str = ""


@dataclass
class Seen:
    """What the visitors saw. Times of failures count from the start of the load."""

    begin: float
    requests: list[Request] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)

    @property
    def failures(self):
        return [f"{one.kind} at {one.start - self.begin:.2f} s: {one.cause}" for one in self.failed()]

    def failed(self):
        return [one for one in self.requests if one.cause]

    @property
    def counts(self):
        return Counter(one.kind for one in self.requests)

    @property
    def releases(self):
        """The releases that answered, in the order of their first answers."""
        answered = sorted((one for one in self.requests if one.release), key=lambda one: one.end)
        return list(dict.fromkeys(one.release for one in answered))

    def releases_since(self, moment):
        """The releases that answered the requests that began after a moment."""
        return {one.release for one in self.requests if one.release and one.start > moment}

    def worst(self, kind):
        """Seconds of the slowest answer."""
        return max(one.end - one.start for one in self.requests if one.kind == kind)

    def held_up(self, calm, elsewhere):
        """The requests that waited more than half a second longer than the worst one in calm times, and not because the
        machine was busy: then those to another app, *elsewhere*, were late at the same moment as well.
        """
        late = [one for one in self.requests if one.end - one.start > calm.worst(one.kind) + SLOWER]
        return [
            f"{one.kind} at {one.start - self.begin:.2f} s took {one.end - one.start:.2f} s"
            for one in late
            if one.end - one.start > calm.worst(one.kind) + SLOWER + 3 * elsewhere.worst_between(one.start, one.end)
        ]

    def worst_between(self, start, end):
        """Seconds of the slowest answer that a visitor was waiting for at that time."""
        return max((one.end - one.start for one in self.requests if one.start < end and one.end > start), default=0)

    def summary(self):
        """What pytest shows of it with a test that fails."""
        worst = ", ".join(f"{kind} {count} (worst {self.worst(kind):.2f} s)" for kind, count in self.counts.items())
        failures = self.failures
        return "\n".join([f"{worst}; {self.releases}; {len(failures)} failures", *failures[:10], *failures[10:][-10:]])

    def is_load_since(self, moment):
        """Whether each visitor has made a request that began after a moment."""
        since = Counter(one.kind for one in self.requests if one.start > moment)
        return all(since[kind] >= count for kind, (count, _step) in VISITORS.items())

    def is_load(self):
        """Whether there was load at all, of each kind."""
        quick = ("get", "get once", "write", "page")
        return set(self.counts) == set(VISITORS) and min(self.counts[kind] for kind in quick) > 20


class Visitor(threading.Thread):
    """Makes requests of one kind until it is told to stop."""

    def __init__(self, seen, stop, address, name, kind, tls=False):
        super().__init__(daemon=True)
        self.tls = tls
        self.seen, self.stop, self.address, self.name, self.kind = seen, stop, address, name, kind
        self.connection = None

    def run(self):
        step = getattr(self, VISITORS[self.kind][1])
        while not self.stop.is_set():
            start = time.monotonic()
            try:
                found = {"release": step()}
            except (OSError, http.client.HTTPException, Unexpected) as error:
                found = {"cause": f"{type(error).__name__}: {error}"}
                self._hang_up()
            self.seen.requests.append(Request(self.kind, start, time.monotonic(), **found))
            self.stop.wait(PAUSE)
        self._hang_up()

    def get(self):
        """Over one connection for as long as nginx keeps it."""
        return self._json("GET", "/")["release"]

    def get_once(self):
        try:
            return self._json("GET", "/", connection="close")["release"]
        finally:
            self._hang_up()

    def slow(self):
        return self._json("GET", "/slow")["release"]

    def write(self):
        name = uuid.uuid4().hex
        answer = self._json("POST", "/write", body=urlencode({"name": name}))
        if answer.get("name") != name:
            raise Unexpected(f"{name} was acknowledged as {answer}")
        self.seen.acknowledged.append(name)
        return answer["release"]

    def page(self):
        """A page and the static file that it names, as a browser asks for them."""
        page = self._ask("GET", "/page").decode()
        release, file = re.search(r"<title>(.*)</title>.*href=\"([^\"]+)\"", page, re.DOTALL).groups()
        if b"color" not in self._ask("GET", file):
            raise Unexpected(f"{file} is not the file that the page of {release} names")
        return release

    def _json(self, method, path, body=None, connection=None):
        content = self._ask(method, path, body, connection)
        try:
            answer = json.loads(content)
        except ValueError as error:
            raise Unexpected(f"no JSON: {content[:200]!r}") from error
        if not RELEASE.fullmatch(answer.get("release", "")):
            raise Unexpected(f"no release: {answer}")
        return answer

    def _ask(self, method, path, body=None, connection=None):
        if self.connection is None:
            self.connection = connection_to(self.address, self.name, self.tls)
        # A reload closes connections that nginx keeps. Over TLS no visitor has one: there nginx is reloaded.
        headers = {"Host": self.name, "Connection": connection or ("close" if self.tls else "keep-alive")}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        # An announced end of the connection is nginx's right, after keepalive_requests of them. http.client heeds it.
        if answer.status != 200:
            title = re.search(rb"<title>\s*(.*?)\s*</title>", content, re.DOTALL)
            raise Unexpected(f"{answer.status} {title[1].decode() if title else content[:100]!r} on {path}")
        return content

    def _hang_up(self):
        if self.connection:
            self.connection.close()
            self.connection = None


def connection_to(address, name, tls):
    return tls_helper.Secured(address, name) if tls else http.client.HTTPConnection(address, timeout=TIMEOUT)


# How many visitors of each kind there are, and what they do.
VISITORS = {
    "get": (3, "get"),
    "get once": (2, "get_once"),
    "write": (3, "write"),
    "slow": (2, "slow"),
    "page": (2, "page"),
}


@contextmanager
def load(address, name, kinds=None, tls=False):
    """Visitors of the site *name*, for as long as the context lasts; each finishes its last request."""
    stop, seen = threading.Event(), Seen(time.monotonic())
    visitors = [
        Visitor(seen, stop, address, name, kind, tls)
        for kind, (count, _step) in VISITORS.items()
        for _number in range(count)
        if kind in (kinds or VISITORS)
    ]
    for visitor in visitors:
        visitor.start()
    try:
        yield seen
    finally:
        stop.set()
        for visitor in visitors:
            visitor.join((tls_helper.TIMEOUT if tls else TIMEOUT) + 5)
        print(seen.summary())
    assert not any(visitor.is_alive() for visitor in visitors)


def lost(address, name, acknowledged, tls=False):
    """The acknowledged writes that are missing in the database or in the file."""
    connection = connection_to(address, name, tls)
    connection.request("GET", "/written", headers={"Host": name})
    written = json.loads(connection.getresponse().read())
    connection.close()
    return sorted(set(acknowledged) - (set(written["database"]) & set(written["file"])))
