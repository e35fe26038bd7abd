# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A page and the pages that it redirects to: what a cause needs to know to explain the last answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import error_pages, log
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.files import FilePlace, place_of, refusing_rule
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.refusals import (
    LIMITED,
    LIMITS,
    MAY_BE_INTENDED,
    NGINX_PAGE,
    by_nginx,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Problem, Request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import app_name, pass_directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive


class Step(NamedTuple):
    """A request and its answer."""

    request: Request
    answer: Answer


@dataclass(frozen=True)
class Visit:
    """A page, the pages that it redirects to, and their answers. What follows is about the last step."""

    host: Host
    steps: tuple[Step, ...]
    # Whether the operator named the page: then a 404 needs an explanation, too.
    is_target: bool = False
    # When the visits began, in seconds since the epoch: error logs are read from there.
    started: float = 0.0
    # The page that needs this file, empty for a page itself.
    page: str = ""

    @property
    def request(self) -> Request:
        """The last request."""
        return self.steps[-1].request

    @property
    def answer(self) -> Answer:
        """The last answer."""
        return self.steps[-1].answer

    @property
    def status(self) -> int:
        """The status of the last answer, 0 where there is none."""
        return self.answer.status

    @property
    def server(self) -> Directive:
        """The server block that got the request."""
        return self.request.server

    @property
    def location(self) -> Directive:
        """The location, or the server block itself, that answers the request."""
        return self.request.location

    @cached_property
    def pass_directive(self) -> Directive | None:
        """The directive that passes the request to an application, None where nginx itself answers."""
        return pass_directive(self.location)

    @cached_property
    def app(self) -> str:
        """The app of role django_app that gets the request, empty for none."""
        return app_name(self.location)

    @property
    def application(self) -> str:
        """The application in a sentence."""
        if self.app:
            return f"the app {self.app}"
        target = self.pass_directive.args[0] if self.pass_directive and self.pass_directive.args else ""
        return f"the application behind {target}" if target else "the application"

    @property
    def cookie_bytes(self) -> int:
        """The length of the header with the cookies that the pages before the last one have set, 0 for none."""
        cookies = {one.partition("=")[0]: one for step in self.steps[:-1] for one in step.answer.cookies}
        return len("; ".join(cookies.values()))

    @cached_property
    def log_lines(self) -> list[log.Entry]:
        """What nginx's error log says about the last request itself."""
        return log.lines_of(self.host, self.request, self.answer) if self.status or self.answer.problem else []

    @cached_property
    def is_by_nginx(self) -> bool:
        """Whether nginx wrote the last answer, not the application: its header, its body or the log says so."""
        if self.pass_directive is None or NGINX_PAGE.search(self.answer.body):
            return True
        if any(by_nginx(entry) for entry in self.log_lines):
            return True
        if self.status == 401 and error_pages.asks_for_password(self.location, self.answer.challenge):
            return True
        return error_pages.is_sent(self.server, self.location, self.status, self.answer.body)

    def needed_by(self, page: str) -> Visit:
        """The same visit as one to a file that *page* refers to."""
        return replace(self, page=page)

    @cached_property
    def limit(self) -> tuple[str, str] | None:
        """The directive and the zone of nginx's limit that refused the request, None if none did."""
        for found in (LIMITED.match(entry.text) for entry in self.log_lines):
            if found and str(self.status) == self._limit_status(LIMITS[found[1]]):
                return LIMITS[found[1]], found[2]
        return None

    def _limit_status(self, directive: str) -> str:
        given = self.location.inherited(f"{directive}_status")
        return given.args[0] if given and given.args else "503"

    @property
    def is_failing(self) -> bool:
        """Whether the status is wrong for a visitor. A page that the operator names must be there."""
        if self.status == 0:
            return True
        if self.limit and (self.page or not self.is_target):
            return False  # the doctor is faster than a visitor
        if self.status == 400 and not self.is_target and self.request.path != "/" and not self.is_by_nginx:
            return False  # an API may want parameters
        return self.status >= 400 and (self.is_target or self.status not in MAY_BE_INTENDED)

    @cached_property
    def is_unanswered(self) -> bool:
        """Whether nginx, or the doctor, got no answer from the application. It may itself answer 502."""
        if self.pass_directive is None:
            return False
        if self.answer.problem in (Problem.TIMEOUT, Problem.APP_FAILS):
            return True
        if self.status not in (502, 504):
            return False
        return self.is_by_nginx or not self.answer.body or not log.tells_errors(self.host, self.location)

    @cached_property
    def place(self) -> FilePlace | None:
        """Where nginx looks for the file that it answers 403 or 404 for; None where that depends on variables."""
        if self.status not in (403, 404) or self.pass_directive is not None:
            return None
        place = place_of(self.location, self.request.decoded_path)
        return None if "$" in place.path else place

    @cached_property
    def file(self) -> FilePlace | None:
        """The same; None where a directive refuses the request, so that nginx does not look for the file."""
        return None if refusing_rule(self.location, self.answer.client) else self.place
