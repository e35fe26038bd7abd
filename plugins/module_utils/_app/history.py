# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record who changed an app on this host, when, and how it ended. Only root can read or write the record."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core import files, paths, tracebacks
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

DIRECTORY = Path(paths.HISTORY_DIRECTORY)
KEPT = 100  # events of an app; with MAX_CHARACTERS, a file has at most about 100 KB
MAX_CHARACTERS = 500  # of an error
MAX_NAME_CHARACTERS = 100


class Event(TypedDict):
    """One change of an app, as one line of JSON in the app's file."""

    action: str  # deploy, rollback, remove, restore or takeover
    began: str  # UTC time in ISO 8601 format
    before: str  # the release that was served, empty for none; for a takeover, the unit of the hand-made site
    release: str  # the requested release, empty for a removal
    revision: str  # of its source, empty if it is not known
    result: str  # ok, failed, running, or interrupted for a run that was killed
    seconds: float
    by: str  # user and host of the controller, as user@host
    user: str  # who logged in to this host
    error: str  # the first line, empty unless the change failed
    note: str  # what else was done, like a snapshot of the databases; empty for nothing


class History:
    """The changes of one app."""

    def __init__(self, app: str, by: str = "", conceal: Callable[[str], str] = str) -> None:
        # *conceal* removes secrets from an error.
        self.path, self.by, self.conceal = DIRECTORY / f"{app}.jsonl", harmless(by)[:MAX_NAME_CHARACTERS], conceal
        # Why the last event could not be written, empty if it was.
        self.problem = ""

    def read(self, *, is_running: bool) -> list[Event]:
        """Return the events, the oldest first, without lines that are damaged.

        *is_running* says that a run holds the lock of the app. Any other run without an end was killed.
        """
        try:
            lines = (files.read(self.path) or "").splitlines()
        except OSError:
            lines = []
        found = [event for line in lines if (event := _event(line))]
        for number, event in enumerate(found, 1):
            if event["result"] == "running" and not (is_running and number == len(found)):
                event["result"] = "interrupted"
        return found

    @contextmanager
    def recorded(self, action: str, before: str, release: str, *, is_last: bool = True) -> Iterator[Event]:
        """Record a change: as running at first, and its result at the end. Call it with the lock of the app held.

        Unless it *is_last*, more steps of the change follow this one, and only its failure is recorded.
        Failing to write the record sets `problem` and does not fail the change.
        """
        start = time.monotonic()
        event: Event = {
            "action": action,
            "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "before": before,
            "release": release,
            "revision": "",
            "result": "running",
            "seconds": 0.0,
            "by": self.by,
            "user": login_user(),
            "error": "",
            "note": "",
        }
        earlier = self.read(is_running=False)[1 - KEPT :]
        self._write([*earlier, event])
        event["result"] = "failed"
        try:
            yield event
            event["result"] = "ok"
        except BaseException as error:
            event["error"] = harmless(_summary(self.conceal(str(error))))[:MAX_CHARACTERS]
            raise
        finally:
            event["seconds"] = round(time.monotonic() - start, 1)
            is_recorded = is_last or event["result"] != "ok"
            self._write([*earlier, event] if is_recorded else earlier)

    def _write(self, events: list[Event]) -> None:
        try:
            files.make_directory(self.path.parent, 0o700)
            files.replace(self.path, "".join(f"{json.dumps(event)}\n" for event in events), 0o600)
        except OSError as error:
            self.problem = f"The change was not recorded in {self.path}: {error}"


def _summary(text: str) -> str:
    """Return the first line of an error; with the exception instead, if it only announces a traceback."""
    first = text.partition("\n")[0]
    if not first.endswith(tracebacks.START):
        return first
    return first.removesuffix(tracebacks.START) + tracebacks.last_exception(tracebacks.lines_of(text))


def login_user() -> str:
    """Return the user who logged in to this host: sudo(8) and su(1) keep the name."""
    name = os.environ.get("SUDO_USER") or os.environ.get("LOGNAME") or os.environ.get("USER") or "root"
    return harmless(name)[:MAX_NAME_CHARACTERS]


def _event(line: str) -> Event | None:
    try:
        found = json.loads(line)
        # Events of earlier versions have no note.
        given = {name: found[name] for name in Event.__annotations__ if name != "note"}
        given["note"] = str(found.get("note", ""))
    except (ValueError, KeyError, TypeError):
        return None
    event: Event = {**given}  # type: ignore[typeddict-item]
    return event
