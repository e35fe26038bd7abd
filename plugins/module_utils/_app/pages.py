# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Visit the first page of a release that is served, and look for the static files that it refers to.

A health check can succeed while every other page fails. The release is served by then, so what is wrong is a warning.
The app determines the content of pages: time, bytes and requests are limited, and only its own socket is asked. A
redirect to another name of the app's sites is followed there, too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
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
    """The pages of one release that is served.

    *arrives* returns the name under which the app gets a visitor's request for a name, empty for that of another site.
    Without it, only the name of the health check is followed.
    """

    def __init__(self, units: Units, identifier: str, arrives: Callable[[str], str] | None = None) -> None:
        self.units, self.app = units, units.app
        self.arrives = arrives or (lambda _name: "")
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
        host = harmless(urlsplit(url).hostname or "")[:MAX_PATH_LENGTH]
        path = harmless(urlsplit(url).path)[:MAX_PATH_LENGTH]
        who = f"The app {self.app.name}"
        if loop:
            way = f"https://{host}{path} with a redirect to '{harmless(answer.location)[:MAX_PATH_LENGTH]}'"
            return [f"https://{self.host}{FIRST_PAGE} redirects in a loop: the app answers {answer.status} to {way}."]
        if not answer.status:
            return [f"{who} {harmless(answer.problem)} ({path}).{self._log()}"]
        if answer.status >= 500:
            words = self._last_words(started)
            hint = sandbox_errors.explain(words, self.app)
            said = f" Its journal says: {words}" if words else ""
            return [" ".join(filter(None, [error_sentence(who, answer.status, path, said), hint])) + self._log()]
        if answer.content_type != "text/html":
            return []
        return self._missing_files(path, static_names(answer.body, url, self.static_url))

    def _visit(self) -> tuple[str, Answer, bool]:
        """Return the URL of the last page, its answer, and whether it redirects in a loop."""
        url = f"https://{self.host}{FIRST_PAGE}"
        cookies: dict[str, dict[str, str]] = {}
        seen: set[tuple[str, str]] = set()
        deadline = time.monotonic() + VISIT_SECONDS
        while True:
            parts = urlsplit(url)
            host = self.host if parts.hostname == self._name else parts.hostname or ""
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            kept = cookies.setdefault(host, {})
            answer = get(path, host, self.socket, kept, max(deadline - time.monotonic(), 1.0))
            # Some applications show a page only to a visitor who keeps cookies.
            kept |= {name: value for name, value in answer.cookies if f"{name}{value}".isprintable()}
            target = self._destination(url, answer)
            if not target or (host, path) in seen or len(seen) >= MAX_REDIRECTS:
                return url, answer, bool(target)
            seen.add((host, path))
            url = target

    @property
    def _name(self) -> str | None:
        return urlsplit(f"//{self.host}").hostname

    def _destination(self, url: str, answer: Answer) -> str:
        """Return the URL of the app's own sites that *answer* leads to; an empty text if there is none."""
        if answer.status not in (301, 302, 303, 307, 308) or not answer.location:
            return ""
        try:
            parts = urlsplit(urljoin(url, answer.location))
            name = parts.hostname or ""
            arrives = name if name == urlsplit(url).hostname else self.arrives(name)
            if not arrives or parts.scheme not in ("http", "https"):
                return ""
            return parts._replace(netloc=arrives if arrives != self._name else self.host).geturl()
        except ValueError:
            return ""

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


def _is_file(static: str, name: str) -> bool:
    try:
        return untrusted.status(os.path.join(static, name), static) is not None
    # A link that nginx does not follow, or a null byte.
    except (untrusted.UntrustedPath, ValueError):
        return False
