# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Display the phases of a run while its module works on the host."""

from __future__ import annotations

import copy
import getpass
import json
import os
import secrets
import shlex
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ansible.module_utils.common.text.converters import to_text
from ansible.utils.display import Display
from ansible_collections.gatehouse.django.plugins.module_utils._app.progress import DIRECTORY, PREPARE
from ansible_collections.gatehouse.django.plugins.module_utils._app.report import PHASES
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import value_command

# Most deployments take less than this, and a report of their phases follows.
SILENT_SECONDS = 10.0
POLL_SECONDS = 5.0
# A phase that lasts is displayed again after this.
REPEAT_SECONDS = 30.0


class Watch:
    """Displays what the run of one app on one host does, on standard error: standard output may be JSON."""

    def __init__(self, connection: object, app: str, host: str) -> None:
        self.id, self.name = secrets.token_hex(8), f"{app} on {host}"
        self._connection, self._app = connection, app
        self._began = self._began_step = time.monotonic()
        # After how many seconds each phase of that process was seen first.
        self._seen: dict[str, float] = {}
        self._shown: tuple[str, float] = ("", 0.0)
        self._say: Callable[..., None] = Display().display

    @property
    def run(self) -> dict[str, str]:
        """The argument `run` of the module."""
        return {"id": self.id, "by": operator()}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Display the phases of the module that runs inside, and *name* as long as the module shows none."""
        done = threading.Event()
        thread = threading.Thread(target=self._follow, args=(name, done), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            # It may wait for an answer of the host, which must not delay the task.
            thread.join(POLL_SECONDS)

    def _follow(self, name: str, done: threading.Event) -> None:
        self._began_step = began = time.monotonic()
        wait = max(SILENT_SECONDS - (began - self._began), POLL_SECONDS)
        while not done.wait(wait):
            phase, after = self._ask() or (name, 0.0)
            if not done.is_set():
                self._show(phase, time.monotonic() - began - after)
            wait = POLL_SECONDS

    def _ask(self) -> tuple[str, float] | None:
        """Return the phase of the module, and after how many seconds it began; None if the module shows none."""
        # Whatever a connection plugin raises: the run itself is not affected.
        with suppress(Exception):
            shown = json.loads(self._output("cat", str(DIRECTORY / f"{self._app}.{self.id}")))
            phase, after = str(shown["phase"]), float(shown["after"])
            return self._prepared(after) if phase == PREPARE else (phase, after)
        return None

    def _prepared(self, after: float) -> tuple[str, float]:
        """Return the phase of the process that checks and migrates, as systemd knows it. The app can forge it."""
        with suppress(Exception):
            unit = f"{self._app}-prepare.service"
            phase = self._output(*value_command(unit, "StatusText")).strip()
            if phase in PHASES:
                # The first phase that is seen began soon after the process did.
                now = time.monotonic() - self._began_step if self._seen else after
                return phase, self._seen.setdefault(phase, now)
        return PREPARE, after

    def _output(self, *command: str) -> str:
        second = _second(self._connection)
        code, out, _err = second.exec_command(shlex.join(command), in_data=None, sudoable=False)
        return to_text(out) if code == 0 else ""

    def _show(self, phase: str, seconds: float) -> None:
        now, (last, moment) = time.monotonic(), self._shown
        if phase != last or now - moment >= REPEAT_SECONDS:
            self._shown = phase, now
            self._say(f"{self.name}: phase {phase} ({max(seconds, 0):.0f} s)", stderr=True)


def _second(connection: Any) -> Any:
    """Return a connection for the thread. The file is readable for all users, so it needs no privileges.

    A connection keeps the state of one command in attributes, and that of the privileges in its become plugin.
    """
    second = copy.copy(connection)
    second.become = None
    return second


def operator() -> str:
    """Return the user and host of the controller, as user@host."""
    try:
        user = getpass.getuser()
    # The user ID of a container may have no name.
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
