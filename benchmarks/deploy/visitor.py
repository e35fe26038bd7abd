"""A visitor who asks for the page all the while that a deploy runs."""

from __future__ import annotations

import http.client
import re
import threading
import time

PAUSE = 0.02


class Visitor:
    """What one sees of a deploy from outside: failed requests, the longest wait, and when the new release answers."""

    def __init__(self, address: str, name: str) -> None:
        self.address, self.name = address, name
        self.before = self.stylesheet()
        self.asked, self.failed, self.longest = 0, 0, 0.0
        self.live: float | None = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._visit)

    def __enter__(self) -> Visitor:
        self.started = time.perf_counter()
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        self.thread.join()

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request("GET", path, headers={"Host": self.name})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def stylesheet(self) -> str:
        """The path of the stylesheet that the page names, nothing where there is no page."""
        try:
            status, page = self.get("/")
        except OSError:
            return ""
        found = re.search(r'"(/static/entries/guestbook\.[0-9a-f]+\.css)"', page)
        return found[1] if status == 200 and found else ""

    def state(self) -> str:
        """The state of the project that is served, as its stylesheet says in its last line."""
        path = self.stylesheet()
        return self.get(path)[1].splitlines()[-1].strip("/* ") if path else ""

    def _visit(self) -> None:
        while not self.over.is_set():
            asked = time.perf_counter()
            seen = self.stylesheet()
            now = time.perf_counter()
            self.asked += 1
            self.failed += not seen
            self.longest = max(self.longest, now - asked)
            if seen and seen != self.before and self.live is None:
                self.live = now - self.started
            self.over.wait(PAUSE)
