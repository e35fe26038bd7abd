# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Visits pages and follows their redirects, many sites at once. A slow or hostile site holds up only itself."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import ask
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import (
    DEFAULT_PORTS,
    Answer,
    Problem,
    Request,
    destination,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import follow
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import pass_directive
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Step, Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing

# Seconds for all pages of a site, which are visited one after the other, and all that they redirect to.
SITE_SECONDS = 20.0
MAX_REDIRECTS = 10
CONCURRENT_SITES = 8
POLL_SECONDS = 0.5


def visit_all(host: Host, requests: Sequence[Request], *, is_target: bool) -> list[Visit]:
    """Visit the pages, those of several sites at once. Do not wait for an app that does not start.

    A site that has used up its time gets no further visits: the answer that took the time is explained.
    """
    started = time.time()
    waiting: SimpleQueue[list[int]] = SimpleQueue()
    done: SimpleQueue[tuple[int, tuple[Step, ...]]] = SimpleQueue()
    found: dict[int, tuple[Step, ...]] = {}

    def run() -> None:
        with contextlib.suppress(Empty):
            while True:
                numbers = waiting.get_nowait()
                deadline = time.monotonic() + SITE_SECONDS
                for number in numbers:
                    if number not in found:
                        done.put((number, _visit_guarded(host, requests[number], deadline)))

    by_site: dict[str, list[int]] = {}
    for number, request in enumerate(requests):
        by_site.setdefault(request.site, []).append(number)
    for numbers in by_site.values():
        # Files first: they need no application that could be waited for.
        waiting.put(sorted(numbers, key=lambda number: not _is_file(requests[number])))
    for _thread in range(min(CONCURRENT_SITES, len(by_site))):
        # A thread that still waits for an answer ends with the process.
        threading.Thread(target=run, daemon=True).start()
    while len(found) < len(requests):
        try:
            number, steps = done.get(timeout=POLL_SECONDS)
            found.setdefault(number, steps)
        except Empty:
            for number, request in enumerate(requests):
                if number not in found and has_failing_app(host, request):
                    found[number] = (Step(request, Answer(0, Problem.APP_FAILS)),)
    return [Visit(host, found[number], is_target, started) for number in range(len(requests)) if found[number]]


def _visit_guarded(host: Host, request: Request, deadline: float) -> tuple[Step, ...]:
    is_late = deadline - time.monotonic() < SITE_SECONDS / 2
    try:
        steps = visit(host, request, deadline)
        # The other pages took most of the time: it is no evidence that this one takes long.
        return () if is_late and any(_is_cut(step.answer) for step in steps) else steps
    except Exception as error:
        # Without a result, visit_all would wait without end.
        return (Step(request, Answer(0, Problem.CLOSED, f"{type(error).__name__}: {error}")),)


def _is_file(request: Request) -> bool:
    return pass_directive(request.location) is None and request.location.own("return") is None


def _is_cut(answer: Answer) -> bool:
    return answer.problem is Problem.TIMEOUT or answer.is_unfinished


def visit(host: Host, request: Request, deadline: float) -> tuple[Step, ...]:
    """Send *request* and follow its redirects as long as they lead to sites of this host, until *deadline*."""
    steps: list[Step] = []
    seen: set[tuple[str, str, str]] = set()
    cookies: dict[str, str] = {}
    following: Request | None = request
    while following and len(steps) <= MAX_REDIRECTS and (left := deadline - time.monotonic()) > 0:
        answer = ask(following, [f"{name}={value}" for name, value in cookies.items()], left)
        # Some applications show a page only to a visitor who keeps cookies.
        cookies |= dict(one.partition("=")[::2] for one in answer.cookies if one.isprintable())
        steps.append(Step(following, answer))
        page = (following.scheme, following.host, following.path)
        if page in seen or not answer.is_redirect:
            break
        seen.add(page)
        target = destination(following, answer)
        following = follow(host, target.geturl()) if target and target.scheme in DEFAULT_PORTS else None
    return tuple(steps)


def has_failing_app(host: Host, request: Request) -> bool:
    """Whether an app behind the requested name ends as soon as systemd starts it: it will not answer."""
    failing = host.failing_apps.names()
    return any(
        apps & failing and routing.is_named(routing.names(server), request.name)
        for server, apps in host.apps_by_server.items()
    )
