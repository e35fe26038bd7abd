"""A visitor who asks for a page with a query of the database, all the while that something else runs."""

from __future__ import annotations

import http.client
import threading
import time
from statistics import median, quantiles

SITE = "guestbook.example.test"
PAUSE = 0.05


class Visitor:
    """`seconds` of each answer, how many requests have `failed`, and how long the app was `gone` at once."""

    def __init__(self, address: str) -> None:
        self._address, self._over = address, threading.Event()
        self._thread = threading.Thread(target=self._visit)
        self.seconds: list[float] = []
        self.failed, self.gone = 0, 0.0

    def __enter__(self) -> Visitor:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def p99(self) -> float:
        return quantiles(self.seconds, n=100)[98]

    def _visit(self) -> None:
        since: float | None = None
        while not self._over.wait(PAUSE):
            asked = time.perf_counter()
            if self._answered():
                self.seconds.append(time.perf_counter() - asked)
                since = None
                continue
            self.failed += 1
            since = asked if since is None else since
            self.gone = max(self.gone, time.perf_counter() - since)

    def _answered(self) -> bool:
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            connection.request("GET", "/", headers={"Host": SITE})
            answer = connection.getresponse()
            # A page without entries would be no query.
            return answer.status == 200 and b"visitor " in answer.read()
        except OSError:
            return False
        finally:
            connection.close()
