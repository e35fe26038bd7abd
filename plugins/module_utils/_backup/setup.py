# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set up the daily backup of an app, and end it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.backup_spec import BackupOptions
from ansible_collections.gatehouse.django.plugins.module_utils._backup import install
from ansible_collections.gatehouse.django.plugins.module_utils._backup.beside import Beside
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, installed_program
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import without_tokens

RunCommand = Callable[..., tuple[int, str, str]]


class Setup:
    """The backup of the app at *place*."""

    def __init__(self, place: Place, run_command: RunCommand) -> None:
        self.place, self._run = place, run_command

    def begin(self, options: BackupOptions, *, check_mode: bool) -> dict[str, object]:
        """Write what differs, open the repository, and start the timer; return the module's answer."""
        place = self.place
        units = install.unit_files(place, options)
        wanted: dict[Path, str | None] = {**install.program_files(), **units, **install.option_files(place, options)}
        outdated = installed_program.outdated(wanted)
        proven = install.digest(place, options)
        is_proven = files.read(place.proven) == proven
        is_changed = bool(outdated) or not is_proven or not self._are_active(wanted)
        shown = without_tokens(options["to"]) or str(place.local)
        answer: dict[str, object] = {"changed": is_changed, "repository": shown, "diff": self._diff(wanted, outdated)}
        if check_mode or not is_changed:
            return answer
        # Not in the middle of a backup.
        with locked(f"backup-{place.app.name}"):
            files.make_directory(place.home, 0o700)
            if wanted[place.drill_timer] is None and place.drill_timer in outdated:
                self._end_timer(place.drill_timer)
            modes = dict.fromkeys(install.option_files(place, options), 0o600) | {install.PROGRAM: 0o755}
            installed_program.write(wanted, outdated, modes)
            if not is_proven:
                answer["created"] = self._open(options["password"])
                files.replace(place.proven, proven, 0o600)
            if any(path in outdated for path in units):
                self._systemctl("daemon-reload")
            names = [path.name for path in self._timers() if wanted[path] is not None]
            self._systemctl("enable", *names)
            # `enable --now` would not make a timer that runs take another time.
            self._systemctl("restart", *names)
        if answer.get("created"):
            self._systemctl("start", "--no-block", place.timer.name.removesuffix(".timer") + ".service")
        return answer

    def end(self, *, check_mode: bool) -> bool:
        """Remove the timer; return whether there was one. A backup that runs is finished."""
        timers = [path for path in self._timers() if path.exists()]
        if not check_mode:
            files.remove(self.place.first_data)
        copies = [] if os.path.isdir(self.place.app.releases) else [*self.place.home.glob("copy-*.json")]
        if not timers and not copies:
            return False
        if not check_mode:
            for path in timers:
                self._end_timer(path)
            self._systemctl("daemon-reload")
            if self.place.drill_timer in timers:
                self._systemctl("stop", f"gatehouse-drill@{self.place.app.name}.service")
            for path in copies:
                # The app is removed, and its files with it. Backups stay.
                Beside(self.place, path.stem.removeprefix("copy-")).remove()
        return True

    def _timers(self) -> tuple[Path, Path]:
        return self.place.timer, self.place.drill_timer

    def _end_timer(self, path: Path) -> None:
        self._systemctl("disable", "--now", path.name)
        self._systemctl("clean", "--what=state", path.name)
        files.remove(path)

    def open_existing(self, options: BackupOptions) -> None:
        """Write the options and open the repository, which must exist. No timer is made: `begin` does the rest."""
        wanted = install.option_files(self.place, options)
        with locked(f"backup-{self.place.app.name}"):
            files.make_directory(self.place.home, 0o700)
            installed_program.write(wanted, installed_program.outdated(wanted), dict.fromkeys(wanted, 0o600))
            self._open(options["password"], make=False)

    def _open(self, password: str, *, make: bool = True) -> bool:
        place = self.place
        repository = Repository(place)
        if make and repository.is_local:
            files.make_directory(place.local.parent, 0o700)
        # restic reads the password from a file: arguments and variables of a process are seen by others.
        files.replace(place.new_password, password + "\n", 0o600)
        try:
            created = repository.ensure(make=make)
            place.new_password.replace(place.password)
            files.sync_directory(place.home)
        finally:
            place.new_password.unlink(missing_ok=True)
        return created

    def _are_active(self, wanted: Mapping[Path, str | None]) -> bool:
        names = [path.name for path in self._timers() if wanted[path] is not None]
        asks = [[ask, "--quiet", name] for name in names for ask in ("is-active", "is-enabled")]
        return all(self._run(["systemctl", *words])[0] == 0 for words in asks)

    def _systemctl(self, *words: str) -> None:
        code, _out, err = self._run(["systemctl", *words])
        if code:
            raise BackupError(f"systemctl {' '.join(words)} failed: {err.strip()}")

    def _diff(self, wanted: Mapping[Path, str | None], outdated: list[Path]) -> list[dict[str, str]]:
        """The units in full, and the names of the other files: there are secrets among them."""
        found = []
        for path in outdated:
            is_unit = path.name in install.SHARED or path in self._timers()
            before, after = files.read(path), wanted[path]
            texts = [(text if is_unit else "(not shown)\n") if text is not None else "" for text in (before, after)]
            if path == install.PROGRAM or is_unit or path.parent == self.place.home:
                ends = {"before": texts[0], "after": texts[1] if texts[1] != texts[0] else "(changed)\n"}
                found.append({"before_header": str(path), "after_header": str(path), **ends})
        return found
