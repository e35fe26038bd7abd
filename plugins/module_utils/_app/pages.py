# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Visit the first page of a release that is served, and look for the static files that it refers to.

A health check can succeed while every other page fails. The release is served by then, so what is wrong is a warning.
The app determines the content of pages: time, bytes and requests are limited, and only its own socket is asked.
"""

from __future__ import annotations

import os
import time
from urllib.parse import urljoin, urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._app import sandbox_errors
from ansible_collections.gatehouse.django.plugins.module_utils._app.health import Health
from ansible_collections.gatehouse.django.plugins.module_utils._app.page_request import Answer, get
from ansible_collections.gatehouse.django.plugins.module_utils._app.references import static_names
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd, untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

FIRST_PAGE = "/"
VISIT_SECONDS = 20.0  # for the page and all that it redirects to
MAX_REDIRECTS = 10
SHOWN_FILES = 5
MAX_PATH_LENGTH = 200  # characters of a path in a message


class Pages:
    """The pages of one release that is served."""

    def __init__(self, units: Units, identifier: str) -> None:
        self.units, self.app = units, units.app
        record = units.app.record(identifier)
        self.host, self.static_url = record["health"]["host"], record["static_url"]
        self.release = units.app.release(identifier)
        health = Health(units, identifier, record["health"])
        self.socket, self.service = health.socket, health.service

    def problems(self) -> list[str]:
        """Return a sentence for each problem of the first page, for the operator; never raise."""
        try:
            return self._problems()
        # The app determines the answers, and the release is served whatever they are.
        except Exception as error:
            return [f"The first page could not be examined: {type(error).__name__}: {harmless(str(error))}"]

    def _problems(self) -> list[str]:
        started = time.time()
        url, answer, loop = self._visit()
        path = harmless(urlsplit(url).path)[:MAX_PATH_LENGTH]
        who = f"The app {self.app.name}"
        if loop:
            return [f"https://{self.host}{FIRST_PAGE} redirects in a loop: the app answers {answer.status} to {path}."]
        if not answer.status:
            return [f"{who} {harmless(answer.problem)} ({path}).{self._log()}"]
        if answer.status >= 500:
            words = self._last_words(started)
            hint = sandbox_errors.explain(words, self.app)
            said = f" Last line of its journal: {words}" if words else ""
            return [" ".join(filter(None, [error_sentence(who, answer.status, path, said), hint])) + self._log()]
        if answer.content_type != "text/html":
            return []
        return self._missing_files(path, static_names(answer.body, url, self.static_url))

    def _visit(self) -> tuple[str, Answer, bool]:
        """Return the URL of the last page, its answer, and whether it redirects in a loop."""
        url = f"https://{self.host}{FIRST_PAGE}"
        cookies: dict[str, str] = {}
        seen: set[str] = set()
        deadline = time.monotonic() + VISIT_SECONDS
        while True:
            parts = urlsplit(url)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            answer = get(path, self.host, self.socket, cookies, max(deadline - time.monotonic(), 1.0))
            # Some applications show a page only to a visitor who keeps cookies.
            cookies |= {name: value for name, value in answer.cookies if f"{name}{value}".isprintable()}
            target = _destination(url, answer)
            if not target or path in seen or len(seen) >= MAX_REDIRECTS:
                return url, answer, bool(target)
            seen.add(path)
            url = target

    def _missing_files(self, page: str, names: list[str]) -> list[str]:
        static = os.path.join(self.release, "static")
        missing = [name for name in names if not _is_file(static, name)]
        if not missing:
            return []
        shown = ", ".join(harmless(name)[:MAX_PATH_LENGTH] for name in missing[:SHOWN_FILES])
        more = f" and {len(missing) - SHOWN_FILES} more" if len(missing) > SHOWN_FILES else ""
        return [
            f"The page {page} refers to static files that do not exist in {self.app.link}/static, which is where nginx "
            f"looks for them: {shown}{more}. {{% static %}} writes the right URL of a file that collectstatic finds; "
            "run what builds the others before collectstatic."
        ]

    def _last_words(self, since: float) -> str:
        variables = systemd.environment(os.path.join(self.release, "env"))
        return systemd.last_words(self.units.tools.attempt, self.service, variables, since)

    def _log(self) -> str:
        return f" Read `journalctl -n 50 -u {self.service}`."


def error_sentence(who: str, status: int, path: str, words: str) -> str:
    """Return the sentence about an application that answers with an error; *words* are from its journal."""
    return f"{who} itself answers {status} to {path}.{words}"


def _destination(url: str, answer: Answer) -> str:
    """Return the URL on the same host that *answer* redirects to; an empty text if there is none."""
    if answer.status not in (301, 302, 303, 307, 308) or not answer.location:
        return ""
    try:
        target = urljoin(url, answer.location)
        parts = urlsplit(target)
        return target if parts.hostname == urlsplit(url).hostname and parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _is_file(static: str, name: str) -> bool:
    try:
        return untrusted.status(os.path.join(static, name), static) is not None
    # A link that nginx does not follow, or a null byte.
    except (untrusted.UntrustedPath, ValueError):
        return False
