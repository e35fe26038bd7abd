# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a release's commands as the app's user, in the sandbox of its services."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import time_limit
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core import unit_end
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import escape_dollars

OUT_OF_MEMORY = (
    "All processes of the app together, and this one, can use what limits: {memory: ...} allows, by default 75% of the "
    "host's memory. Raise it, or give the host more memory."
)


class AppUser:
    """Runs commands of one release, each in a transient unit `<app>-prepare` (systemd-run(1)).

    *sandbox* are the unit properties of the plan. Of the release, a command can only write to the static files of a
    candidate, which belong to the app's user until the release is complete.
    """

    def __init__(self, tools: Tools, app: App, identifier: str, sandbox: Sequence[str]) -> None:
        self._tools, self.app, self._sandbox = tools, app, list(sandbox)
        self.release = app.release(identifier)
        self.python = os.path.join(self.release, "venv", "bin", "python")

    def attempt(
        self, argv: Sequence[str], data: str | None = None, more: Sequence[str] = (), *, is_limited: bool = True
    ) -> tuple[int, str, str]:
        """Run *argv* with *data* as standard input; return exit code, standard output and standard error.

        *more* are further properties of the unit. Without *is_limited*, it may take any time.

        As in the units of processes, the programs of the virtual environment come first in PATH.
        """
        properties = [
            *self._sandbox,
            f"EnvironmentFile={self.release}/env",
            f"WorkingDirectory={self.release}/project",
            f"ReadWritePaths={self.release}/static",
            *more,
        ]
        path = f"PATH={self.release}/venv/bin:${{PATH}}"
        program = ["/usr/bin/env", path, *map(escape_dollars, argv)]
        unit, start = f"{self.app.name}-prepare.service", time.monotonic()
        code, out, err = time_limit.attempt(self._tools, properties, unit, program, data=data, is_limited=is_limited)
        ended = unit_end.explain(self._tools.attempt, unit, code, start, OUT_OF_MEMORY)
        return code, out, f"{err.rstrip()}\n{ended}".lstrip() if ended else err


def django_command(words: Sequence[str], project: str, python: str) -> list[str]:
    """Return the arguments to run *words*: `manage.py` runs with *python*, or without that file, `python -m django`."""
    if words[0] != "manage.py":
        return list(words)
    start = ["manage.py"] if os.path.lexists(os.path.join(project, "manage.py")) else ["-m", "django"]
    return [python, *start, *words[1:]]


def shown(words: Sequence[str], limit: int = 100) -> str:
    """Return *words* for a message, at most *limit* characters of them."""
    text = " ".join(words)
    return text if len(text) <= limit else f"{text[:limit]}..."
