# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manage the unit files of an app, and ask systemd about its units."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import drained
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail
from ansible_collections.gatehouse.django.plugins.module_utils._core import files as disk
from ansible_collections.gatehouse.django.plugins.module_utils._core import journal, systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    PACKAGED_UNIT_DIRECTORIES,
    UNIT_DIRECTORY,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.tracebacks import without_repeats
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

# Contents by path: the unit files and the app's `manage`.
Files = Mapping[str, str]
# The identifiers that django_release gives to releases.
IDENTIFIER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
RELEASE = re.compile(rb"(?:^|\0)GATEHOUSE_RELEASE=([^\0]+)")
# The kernel accepts no larger environment by default, but a process can claim a larger one (PR_SET_MM).
MAX_ENVIRONMENT_BYTES = 8 * 1024 * 1024
# Lines of the journal in an error: gunicorn prints 40 lines after the traceback of an application that cannot start.
JOURNAL_LINES = 80


def mark(app: str) -> str:
    """Return the line that marks a file as one of this app."""
    return f"# Made by Gatehouse for the app {app}; changes are overwritten."


class Units:
    """The unit files of one app."""

    def __init__(self, tools: Tools, app: App, directory: str = UNIT_DIRECTORY) -> None:
        self.tools, self.app, self.directory = tools, app, Path(directory)
        self.shipped = PACKAGED_UNIT_DIRECTORIES
        # Processes and timers of a drained host stay stopped.
        self.is_drained = drained.is_drained()
        # Escaped as by systemd-escape: a dash would nest the slice of `shop-two` in that of `shop`.
        self.slice = "gatehouse-{}.slice".format(app.name.replace("-", r"\x2d"))
        self.web = [f"{app.name}-web@.socket", f"{app.name}-web@.service", f"{app.name}-web.service"]

    def on_host(self) -> dict[str, str]:
        """Return the files of the app on the host, contents by path."""
        single = [self.directory / self.slice, Path(self.app.home) / "manage"]
        known = [*self.directory.glob(f"{self.app.name}-*"), *single]
        texts = {str(path): disk.read(path) or "" for path in known if path.is_file() and not path.is_symlink()}
        return {path: text for path, text in texts.items() if mark(self.app.name) in text.splitlines()[:2]}

    def check_foreign(self, files: Files) -> None:
        """Raise ReleaseError if one of *files* exists on the host and does not belong to the app."""
        own = self.on_host()
        for path in files:
            if path not in own and os.path.lexists(path):
                raise ReleaseError(
                    f"name: '{path}' already exists and does not belong to the app '{self.app.name}'. "
                    "Choose another name, or remove that file."
                )
            for place in self.shipped:
                if os.path.lexists(os.path.join(place, os.path.basename(path))):
                    raise ReleaseError(
                        f"name: a unit of the app '{self.app.name}' would override the host's unit "
                        f"'{os.path.basename(path)}' in '{place}'. Choose another name."
                    )

    def write(self, files: Files) -> bool:
        """Write the files that differ; return whether any did."""
        own = self.on_host()
        changed = [path for path, text in files.items() if own.get(path) != text]
        for path in changed:
            disk.replace(Path(path), files[path])
            Path(path).chmod(0o644 if path.startswith(str(self.directory)) else 0o755)
        if changed:
            self.tools.run(["systemctl", "daemon-reload"])
        return bool(changed)

    @contextmanager
    def limited(self, files: Files) -> Iterator[None]:
        """Apply the limits of *files* while a release is built: limits that are too low may have failed the last build.

        systemd applies a changed slice to the processes in it (unit_deserialize() in its source). If the build fails,
        the previous limits are restored.
        """
        path = str(self.directory / self.slice)
        before = {name: text for name, text in self.on_host().items() if name == path}
        self.write({name: text for name, text in files.items() if name == path})
        try:
            yield
        except BaseException:
            self.write(before)
            self.drop([] if before else [path])
            raise

    def stale(self, files: Files) -> list[str]:
        """Return the paths of the app's files on the host that are not among *files*."""
        return sorted(set(self.on_host()) - set(files))

    def drop(self, paths: Sequence[str]) -> None:
        """Stop the units of the files at *paths*, and remove the files."""
        names = [os.path.basename(path) for path in paths if path.startswith(str(self.directory))]
        # Stop timers first, so that they do not start a service that was just stopped.
        for name in sorted(names, key=lambda name: not name.endswith(".timer")):
            # Stopping a slice would kill all processes in it, also a release that finishes its last requests.
            if "@" not in name and name != self.slice:
                self.tools.attempt(["systemctl", "disable", "--now", name])
                # A job that was stopped early has failed, and systemd would keep its unit as failed.
                self.tools.attempt(["systemctl", "reset-failed", name])
            if name.endswith(".timer"):
                # When it ran last is kept for the case that it comes back, which would start it at once.
                self.tools.attempt(["systemctl", "clean", "--what=state", name])
        for path in paths:
            disk.remove(Path(path))
        if names:
            self.tools.run(["systemctl", "daemon-reload"])

    def processes(self, files: Files) -> list[str]:
        """The services besides the web's that run all the time: those which a boot starts."""
        return [
            name for name, text in self._extra_units(files) if name.endswith(".service") and "\n[Install]\n" in text
        ]

    def services(self, files: Files) -> list[str]:
        """Return the services of processes(), also those that do not belong on this host or that it has stopped."""
        return [name for name, text in self._named(files) if name.endswith(".service") and "\n[Install]\n" in text]

    def timers(self, files: Files) -> list[str]:
        """Return the names of the timers."""
        return [name for name, _text in self._extra_units(files) if name.endswith(".timer")]

    def _extra_units(self, files: Files) -> list[tuple[str, str]]:
        if self.is_drained:
            return []
        return [(name, text) for name, text in self._named(files) if self.runs_once or not self._is_once(text)]

    def _named(self, files: Files) -> list[tuple[str, str]]:
        """Return name and text of each file besides those of the web service."""
        named = [(os.path.basename(path), text) for path, text in sorted(files.items())]
        return [(name, text) for name, text in named if name not in [*self.web, self.slice, "manage"]]

    @property
    def runs_once(self) -> bool:
        """Whether the units with `run_on: one` belong on this host."""
        return os.path.lexists(self.app.runs_once)

    def once(self, files: Files) -> list[str]:
        """Return the names of the services and timers with `run_on: one`, wherever they belong."""
        return [os.path.basename(path) for path, text in sorted(files.items()) if self._is_once(text)]

    def _is_once(self, text: str) -> bool:
        return f"\nConditionPathExists={self.app.runs_once}\n" in text

    def show(self, unit: str) -> dict[str, str]:
        """Return the properties of *unit* that describe its state."""
        return systemd.parse_properties(self.tools.run(systemd.show_command(unit)))

    def is_down(self, unit: str) -> bool:
        """Return whether *unit* has ended since its start, even if systemd restarted it."""
        found = self.show(unit)
        return found["ActiveState"] != "active" or found["NRestarts"] not in ("", "0")

    def release_of(self, unit: str) -> str:
        """Return the release that the main process of *unit* runs, or an empty text if there is no such process."""
        process = os.path.join("/proc", self.show(unit)["MainPID"])
        try:
            # A program can change its directory, and a program that sets its title can overwrite its environment.
            with open(os.path.join(process, "environ"), "rb") as file:
                given = RELEASE.search(file.read(MAX_ENVIRONMENT_BYTES))
            directory = os.readlink(os.path.join(process, "cwd"))
        except OSError:
            return ""
        relative = os.path.relpath(directory, self.app.releases)
        # The app controls both values, so accept only an identifier. A forged value keeps old code running, or makes
        # each run restart the process. The value is only compared.
        found = given[1].decode("ascii", errors="replace") if given else relative.partition("/")[0]
        return found if IDENTIFIER.fullmatch(found) else ""

    def journal_end(self) -> str:
        """Return the present end of the journal, for journal()."""
        return journal.end(self.tools.attempt)

    def journal(self, unit: str, since: str, lines: int = JOURNAL_LINES) -> str:
        """Return the last lines of *unit* after *since*, the end of the journal at that time."""
        # Not --lines: with a cursor, systemd 252 returns the first lines instead of the last.
        text = journal.read_after(self.tools.attempt, since, [f"--unit={unit}"])
        output = harmless(tail(without_repeats(text), lines), keep="\n\t")
        return f"The last lines of unit {unit} (journalctl -u {unit}):\n{output or self._explain_empty_journal()}"

    def _explain_empty_journal(self) -> str:
        """Return why the journal has no lines of a unit."""
        if self.tools.attempt(["systemctl", "is-active", "--quiet", "systemd-journald.service"])[0]:
            return "(none: systemd-journald.service is not running. Start it: systemctl start systemd-journald.service)"
        return "(no output)"
