# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start a release on copies of the data, on a socket that nothing else uses, and request pages of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.page_request import get
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.comparison import Page, Visit

# For the first answer, which waits for the start; for each page; for all pages of a release.
START_SECONDS, PAGE_SECONDS, ALL_SECONDS = 60.0, 10.0, 60.0
# One process, without the workers, timers and other processes of the app.
OPTIONS = ("--workers", "1")
PROPERTIES = ("KillMode=mixed", "TimeoutStopSec=10")
# Reading the journal takes a moment for each.
EXPLAINED = 3


class Visitor:
    """Asks releases in the unit *name* (without its type) on the socket at *path*."""

    def __init__(self, tools: Tools, name: str, path: str) -> None:
        self._tools, self._name, self._path = tools, name, path
        self.service = f"{name}.service"

    def ask(
        self, release: str, properties: Iterable[str], environment: Mapping[str, str], pages: Sequence[Page]
    ) -> dict[Page, Visit]:
        """Return the answers of *release* to *pages*, as far as there is time for them.

        *environment* has the secrets that no message may show.
        """
        self._start(release, properties)
        try:
            found: dict[Page, Visit] = {}
            explained = 0
            # The first answer waits for the start. It is asked again, so that its time can be compared.
            self._get(pages[0], START_SECONDS)
            deadline = time.monotonic() + ALL_SECONDS
            for page in pages:
                if time.monotonic() > deadline:
                    break
                began, visit = time.time(), self._get(page, PAGE_SECONDS)
                if visit.is_failed and not visit.is_late and explained < EXPLAINED:
                    explained += 1
                    words = systemd.last_words(self._tools.attempt, self.service, environment, began)
                    visit = Visit(visit.status, visit.seconds, visit.location, words or visit.reason)
                found[page] = visit
            return found
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop the release, also one of a run that was killed."""
        units = [f"{self._name}.socket", self.service]
        self._tools.attempt(["systemctl", "stop", *units])
        self._tools.attempt(["systemctl", "reset-failed", *units])

    def _start(self, release: str, properties: Iterable[str]) -> None:
        server = [os.path.join(release, "venv", "bin", "gunicorn"), "--config"]
        server += [os.path.join(release, "gatehouse", "gunicorn.conf.py"), *OPTIONS]
        sockets = [f"ListenStream={self._path}", "SocketMode=0600", "RemoveOnStop=yes"]
        self._tools.run(
            [
                *systemd.systemd_start(
                    self._name, [*properties, *PROPERTIES], [f"--socket-property={one}" for one in sockets]
                ),
                *("/usr/bin/env", f"PATH={release}/venv/bin:${{PATH}}", *server),
            ]
        )

    def _get(self, page: Page, seconds: float) -> Visit:
        host, path = page
        began = time.monotonic()
        answer = get(path, host, self._path, {}, seconds)
        took = time.monotonic() - began
        is_late = not answer.status and took >= seconds
        return Visit(answer.status, took, answer.location, answer.problem, is_late)
