# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the health of a release on its own socket."""

from __future__ import annotations

import os
import threading
import time
from queue import Empty, SimpleQueue
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url
from ansible_collections.gatehouse.django.plugins.module_utils._app import spec
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units

MIN_ANSWER_SECONDS, MAX_ANSWER_SECONDS = 15, 60
WRONG_ANSWER_SECONDS = 4.0  # how long wrong answers are tolerated: a cache or a database may need a moment
START_GRACE_SECONDS = 10  # added to the time after which gunicorn replaces a worker
WATCH_SECONDS = 2.0  # how long a release must stay healthy before the switch
POLL_SECONDS = 0.3
MAX_REASON = 200  # characters: the app determines them


class Health:
    """The health check of one release: `path`, `host`, `status` (a list), and the `timeout` of a worker in seconds."""

    def __init__(self, units: Units, identifier: str, check: spec.RecordedHealth) -> None:
        self.units, self.check = units, check
        self.service = units.app.unit(identifier, "service")
        self.socket = os.path.join(units.app.release(identifier), "web.sock")

    @property
    def answer_seconds(self) -> int:
        """Return how long one answer may take.

        gunicorn lets a worker take its timeout, and the first answer of each worker includes the import of the views.
        """
        return min(max(MIN_ANSWER_SECONDS, self.check["timeout"]), MAX_ANSWER_SECONDS)

    def answer(self, seconds: float) -> tuple[int, str]:
        """Return the status of an answer within *seconds*, 0 for none, and a description for messages."""
        # systemd owns the socket, so a request to a service that has ended waits for the next start.
        answers: SimpleQueue[tuple[int, str]] = SimpleQueue()
        threading.Thread(target=lambda: answers.put(self._ask(seconds)), daemon=True).start()
        # An app can send an endless answer: the timeout of open_url() applies to each part of it.
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                return answers.get(timeout=POLL_SECONDS)
            except Empty:
                if self.units.is_down(self.service):
                    return 0, "got no answer: the main process of the release ended"
        return 0, f"got no answer within {seconds:.0f} s"

    def _ask(self, seconds: float) -> tuple[int, str]:
        # The client that nginx would be: behind TLS, so that no redirect to it hides the page.
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
        options = {
            "headers": headers,
            "unix_socket": self.socket,
            "timeout": seconds,
            "use_proxy": False,
        }
        try:
            with open_url(self.url, follow_redirects="none", http_agent="gatehouse", **options) as answer:
                return int(answer.status), f"returned {answer.status}"
        except HTTPError as error:
            return error.code, f"returned {error.code} {str(error.reason)[:MAX_REASON]}"
        # http.client raises many exceptions when a connection ends.
        except Exception as error:
            return 0, f"got no answer: {str(error)[:MAX_REASON]}"

    @property
    def url(self) -> str:
        """Return the URL of the check."""
        return f"http://{self.check['host']}{self.check['path']}"

    def is_good(self, status: int) -> bool:
        """Return whether *status* is that of a healthy release."""
        return status in self.check["status"] if self.check["status"] else 200 <= status < 400

    def wait(self) -> None:
        """Wait until the release is healthy; raise ReleaseError if it is not in time."""
        deadline, wrong_until = time.monotonic() + self.check["timeout"] + START_GRACE_SECONDS, 0.0
        while True:
            left = deadline - time.monotonic()
            status, outcome = self.answer(min(self.answer_seconds, max(left, MIN_ANSWER_SECONDS)))
            now = time.monotonic()
            if self.is_good(status):
                return
            if status:
                wrong_until = wrong_until or now + WRONG_ANSWER_SECONDS
            if now > deadline or (wrong_until and now > wrong_until) or self.units.is_down(self.service):
                raise ReleaseError(f"GET {self.url} {outcome}.{self._hint(status)}")
            time.sleep(POLL_SECONDS)

    def watch(self) -> None:
        """Watch the release for WATCH_SECONDS; raise ReleaseError if it does not stay healthy."""
        started = self._processes()
        deadline = time.monotonic() + WATCH_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(POLL_SECONDS, left))
            status, outcome = self.answer(self.answer_seconds)
            if not self.is_good(status):
                raise ReleaseError(f"a later GET {self.url} {outcome}.")
            if self.units.is_down(self.service) or not started <= self._processes():
                raise ReleaseError(
                    f"a process of the release ended within {WATCH_SECONDS:.0f} s of its first good answer."
                )

    def _processes(self) -> set[str]:
        """Return the IDs of the main process and its workers."""
        main = self.units.show(self.service)["MainPID"]
        try:
            with open(f"/proc/{main}/task/{main}/children", encoding="ascii") as file:
                return {main, *file.read().split()}
        except OSError:
            return {main}

    def _hint(self, status: int) -> str:
        if status == 400:
            return f" {self._bad_request()}"
        healthy = ", ".join(map(str, self.check["status"])) or "200 to 399"
        return f" Expected: {healthy} (health_status)." if status else ""

    def _bad_request(self) -> str:
        host, host_from = self.check["host"], self.check["host_from"]
        if host_from == spec.ALLOWS_NONE:
            return "Django returns 400 for each host, because ALLOWED_HOSTS is empty: list the site's names in it."
        if host_from == spec.ALLOWED_HOSTS:
            return (
                f"ALLOWED_HOSTS allows '{host}'. Read the journal: Django also refuses names with '_', or the page "
                "itself answers 400."
            )
        return f"Django returns 400 for a host that is not in ALLOWED_HOSTS: add '{host}' to it, or set health_host."
