# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit files of an app: which the host has, how they change and come back, and what systemd says of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail
from ansible_collections.gatehouse.django.plugins.module_utils._core import files as disk
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

SYSTEMD = "/etc/systemd/system"
# Where packages put theirs.
SHIPPED = ("/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
# Unit files by path, and the app's `manage` among them.
Files = Mapping[str, str]
# What django_release calls a release.
IDENTIFIER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
RELEASE = re.compile(rb"(?:^|\0)GATEHOUSE_RELEASE=([^\0]+)")
# Bytes. The kernel takes no larger environment by default, but a process may say that it has one (PR_SET_MM).
MAX_ENVIRONMENT_BYTES = 8 * 1024 * 1024
# Lines of it that an error shows: gunicorn alone says 40 after the traceback of an application that does not start.
JOURNAL_LINES = 80


def mark(app: str) -> str:
    """The line of a file that says whose it is."""
    return f"# Made by Gatehouse for the app {app}; changes are overwritten."


class Units:
    """The unit files of one app."""

    def __init__(self, tools: Tools, app: App, directory: str = SYSTEMD) -> None:
        self.tools, self.app, self.directory = tools, app, Path(directory)
        self.shipped = SHIPPED
        # As systemd-escape writes it: a dash would put the slice of `shop-two` into the one of `shop`.
        self.slice = "gatehouse-{}.slice".format(app.name.replace("-", r"\x2d"))
        self.web = [f"{app.name}-web@.socket", f"{app.name}-web@.service", f"{app.name}-web.service"]

    def on_host(self) -> dict[str, str]:
        """What the host has of the app."""
        single = [self.directory / self.slice, Path(self.app.home) / "manage"]
        known = [*self.directory.glob(f"{self.app.name}-*"), *single]
        texts = {str(path): disk.read(path) or "" for path in known if path.is_file() and not path.is_symlink()}
        return {path: text for path, text in texts.items() if mark(self.app.name) in text.splitlines()[:2]}

    def check_foreign(self, files: Files) -> None:
        """Raise ReleaseError for a name that the host uses for something that is not the app's."""
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
        """Write what differs; whether anything did."""
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
        """Have the limits of *files* hold while a release is built: too low ones may be what made the last one fail.

        systemd applies a changed slice to what runs in it (unit_deserialize() in its source). The limits before come
        back where the build fails.
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
        """Paths of the app's files that are not among *files*."""
        return sorted(set(self.on_host()) - set(files))

    def drop(self, paths: Sequence[str]) -> None:
        """Stop what the unit files at *paths* run, and remove them."""
        names = [os.path.basename(path) for path in paths if path.startswith(str(self.directory))]
        # A timer first: it must not start again what is stopped after it.
        for name in sorted(names, key=lambda name: not name.endswith(".timer")):
            # To stop a slice ends all that runs in it, like the release that finishes its last requests.
            if "@" not in name and name != self.slice:
                self.tools.attempt(["systemctl", "disable", "--now", name])
                # A job that was stopped before its end has failed, and systemd would remember its unit.
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

    def timers(self, files: Files) -> list[str]:
        """The timers."""
        return [name for name, _text in self._extra_units(files) if name.endswith(".timer")]

    def _extra_units(self, files: Files) -> list[tuple[str, str]]:
        named = [(os.path.basename(path), text) for path, text in sorted(files.items())]
        return [(name, text) for name, text in named if name not in [*self.web, self.slice, "manage"]]

    def show(self, unit: str) -> dict[str, str]:
        """The properties of *unit* that tell how it is doing."""
        wanted = "--property=ActiveState,SubState,Result,NRestarts,MainPID,UnitFileState"
        lines = self.tools.run(["systemctl", "show", wanted, unit]).splitlines()
        return dict(line.partition("=")[::2] for line in lines if "=" in line)

    def is_down(self, unit: str) -> bool:
        """Whether *unit* has ended since it was started, whatever systemd does about it."""
        found = self.show(unit)
        return found["ActiveState"] != "active" or found["NRestarts"] not in ("", "0")

    def release_of(self, unit: str) -> str:
        """The release that the main process of *unit* runs, nothing where there is no such process."""
        process = os.path.join("/proc", self.show(unit)["MainPID"])
        try:
            # A program may go to another directory; one that gives itself a title may overwrite its environment.
            with open(os.path.join(process, "environ"), "rb") as file:
                given = RELEASE.search(file.read(MAX_ENVIRONMENT_BYTES))
            directory = os.readlink(os.path.join(process, "cwd"))
        except OSError:
            return ""
        relative = os.path.relpath(directory, self.app.releases)
        # The process belongs to the app, which may say what it likes: what is no identifier is no release. One that
        # lies keeps its own old code, or is started anew by each run; the value is compared, and used for nothing else.
        found = given[1].decode("ascii", errors="replace") if given else relative.partition("/")[0]
        return found if IDENTIFIER.fullmatch(found) else ""

    def journal_end(self) -> str:
        """Where the journal ends now, for journal(); empty where it has no entry."""
        found = self.tools.attempt(["journalctl", "--lines=0", "--show-cursor", "--quiet", "--no-pager"])[1]
        return found.partition("-- cursor: ")[2].strip()

    def journal(self, unit: str, since: str, lines: int = JOURNAL_LINES) -> str:
        """The last lines that *unit* has said since journal_end() gave *since*: no time, which a clock can change."""
        start = [f"--after-cursor={since}"] if since else []
        argv = ["journalctl", f"--unit={unit}", *start, "--no-pager", "--quiet", "--output=cat"]
        # Not --lines: with a start, systemd 252 takes it for the first ones.
        said = harmless(tail(self.tools.attempt(argv)[1], lines), keep="\n\t")
        return f"The last lines of unit {unit}:\n{said or self._explain_empty_journal()}"

    def _explain_empty_journal(self) -> str:
        """Why the journal has nothing of a unit."""
        if self.tools.attempt(["systemctl", "is-active", "--quiet", "systemd-journald.service"])[0]:
            return "(none: systemd-journald.service is not running. Start it: systemctl start systemd-journald.service)"
        return "(no output)"
