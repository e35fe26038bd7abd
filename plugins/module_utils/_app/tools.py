# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the tools that build a release, and turns their failures into errors that name the phase."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact

RunCommand = Callable[..., tuple[int, str, str]]
TAIL_LINES = 30


class ReleaseError(Exception):
    """What was attempted could not be done; the text is for the operator."""


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last *lines* of *text*: a tool says at its end why it failed."""
    return "\n".join(readable(line) for line in text.strip().splitlines()[-lines:])


def readable(line: str) -> str:
    """*line* for a message: a stranger's program may print control characters, and bytes that are no text."""
    return "".join(sign if sign.isprintable() or sign == "\t" else ascii(sign)[1:-1] for sign in line)


def die_with_parent(run_command: RunCommand) -> RunCommand:
    """*run_command* for commands that do not outlive the run: the next one may build in the same place."""

    def run(argv: Sequence[str], **options: Any) -> tuple[int, str, str]:
        return run_command(["setpriv", "--pdeathsig", "KILL", "--", *argv], **options)

    return run


class Tools:
    """Runs commands with the build environment and remembers how long each phase took."""

    def __init__(self, run_command: RunCommand, environment: Mapping[str, str], hidden: Sequence[str] = ()) -> None:
        self._run_command = run_command
        self._environment = dict(environment)
        self._hidden = hidden
        self.phases: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what is done inside as the phase *name*, and let an error say where it happened."""
        start = time.monotonic()
        try:
            yield
        except (ReleaseError, OSError) as error:
            raise ReleaseError(f"phase '{name}': {self.conceal(str(error))}") from error
        finally:
            self.phases[name] = round(self.phases.get(name, 0.0) + time.monotonic() - start, 2)

    def conceal(self, text: str) -> str:
        """*text* without the values that must not be shown."""
        return redact(text, self._hidden)

    def run(self, argv: Sequence[str], cwd: str | None = None, env: Mapping[str, str] | None = None) -> str:
        """Standard output of *argv*, which must succeed."""
        code, out, err = self.attempt(argv, cwd, env)
        if code != 0:
            raise ReleaseError(f"'{' '.join(argv)}' failed ({code}):\n{tail(err or out)}")
        return out

    def attempt(
        self,
        argv: Sequence[str],
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        data: str | None = None,
    ) -> tuple[int, str, str]:
        """Exit code, standard output and error of *argv*, whatever they are; *data* is its standard input."""
        options: dict[str, Any] = {"cwd": cwd, "environ_update": {**self._environment, **(env or {})}}
        return self._run_command(list(argv), data=data, handle_exceptions=False, **options)
