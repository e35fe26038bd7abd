# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tools that build a release, and turn their failures into errors that name the phase."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ansible_collections.gatehouse.django.plugins.module_utils._core import unit_end
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact

RunCommand = Callable[..., tuple[int, str, str]]
TAIL_LINES = 30
MAX_LINE = 2000  # characters


class ReleaseError(Exception):
    """An operation failed; the text is for the operator."""


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """Return the last *lines* of *text*, where a tool usually reports its error."""
    return "\n".join(readable(line[:MAX_LINE]) for line in text.strip().splitlines()[-lines:])


def readable(line: str) -> str:
    """Escape *line* for a message: untrusted programs can print control characters and invalid bytes."""
    return "".join(sign if sign.isprintable() or sign == "\t" else ascii(sign)[1:-1] for sign in line)


def die_with_parent(run_command: RunCommand) -> RunCommand:
    """Wrap *run_command* so that commands die with this run: the next run may build in the same directory."""

    def run(argv: Sequence[str], **options: object) -> tuple[int, str, str]:
        return run_command(["setpriv", "--pdeathsig", "KILL", "--", *argv], **options)

    return run


def silent(_phase: str) -> None:
    """Show nothing when a phase begins."""


class Tools:
    """Runs commands with the build environment and records the duration of each phase."""

    def __init__(
        self,
        run_command: RunCommand,
        environment: Mapping[str, str],
        hidden: Sequence[str] = (),
        enter: Callable[[str], None] = silent,
    ) -> None:
        self._run_command = run_command
        self._environment = dict(environment)
        self._hidden = hidden
        # Is called with the name of each phase when it begins.
        self.enter = enter
        self.phases: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Record the duration of the phase *name*, and add its name to errors."""
        start = time.monotonic()
        self.enter(name)
        try:
            yield
        except (ReleaseError, OSError) as error:
            raise ReleaseError(f"phase '{name}': {self.conceal(str(error))}") from error
        finally:
            self.phases[name] = round(self.phases.get(name, 0.0) + time.monotonic() - start, 2)

    def durations(self) -> str:
        """Return the seconds of each phase as a line of an error, an empty text if no phase has begun."""
        if not self.phases:
            return ""
        return f"Seconds: {', '.join(f'{name} {seconds}' for name, seconds in self.phases.items())}.\n"

    def conceal(self, text: str) -> str:
        """Replace the secret values in *text*."""
        return redact(text, self._hidden)

    def run(self, argv: Sequence[str], cwd: str | None = None, env: Mapping[str, str] | None = None) -> str:
        """Run *argv*, which must succeed, and return its standard output."""
        code, out, err = self.attempt(argv, cwd, env)
        if code != 0:
            text = f"'{' '.join(argv)}' failed ({code}):\n{tail(err or out)}"
            raise ReleaseError(f"{text}\n{unit_end.explain_signal(code)}".rstrip())
        return out

    def attempt(
        self,
        argv: Sequence[str],
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        data: str | None = None,
    ) -> tuple[int, str, str]:
        """Run *argv* with *data* as standard input; return exit code, standard output and standard error."""
        options: dict[str, object] = {"cwd": cwd, "environ_update": {**self._environment, **(env or {})}}
        return self._run_command(list(argv), data=data, handle_exceptions=False, **options)
