# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a management command of an app through its `manage`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.journal import secrets
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, RunCommand
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import SHORTEST_SECRET, redact
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless


def words_of(command: str) -> list[str]:
    """Split the command as a shell does; raise ReleaseError if that is not possible or if there is none."""
    example = "For example: -e command='showmigrations --plan'"
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ReleaseError(f"command: '{command}' cannot be split into words: {error}. {example}") from error
    if not words:
        raise ReleaseError(f"command is empty: name a management command with its arguments. {example}")
    if words[0] in ("manage.py", "./manage.py") or words[0].startswith("python"):
        raise ReleaseError(f"command: '{command}' must begin with the management command, like 'migrate'. {example}")
    return words


def run(
    run_command: RunCommand, app: App, words: Sequence[str], environment: Mapping[str, str]
) -> tuple[int, str, str]:
    """Run the command with the variables of *environment*; return its exit code, output and errors without secrets."""
    path = os.path.join(app.home, "manage")
    if not os.path.exists(path):
        raise ReleaseError(f"app: the host has no '{path}': deploy the app first. Nothing was changed.")
    options = [word for name in sorted(environment) for word in ("--env", name)]
    # When this run ends early, `manage` passes the signal on to the unit of the command.
    start = ["setpriv", "--pdeathsig", "TERM", "--", path, *options]
    code, out, err = run_command([*start, *words], environ_update=dict(environment))
    hidden = [*secrets(app), *(value for value in environment.values() if len(value) >= SHORTEST_SECRET)]
    shown = [harmless(redact(text, hidden), keep="\n\t") for text in (out, err)]
    return code, shown[0], shown[1]
