# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set up the daily backup of an app, and end it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.backup_spec import BackupOptions
from ansible_collections.gatehouse.django.plugins.module_utils._backup import install, option_files
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
        """Open the repository, write what differs, and start the timer; return the module's answer."""
        place = self.place
        units = install.unit_files(place, options)
        installed: dict[Path, str | None] = {**install.program_files(), **units}
        given = install.option_files(place, options)
        outdated = installed_program.outdated(installed)
        outdated_options = installed_program.outdated(given)
        proven = install.digest(place, options)
        is_proven = files.read(place.proven) == proven
        is_changed = bool(outdated or outdated_options) or not is_proven or option_files.is_unfinished(place)
        is_changed = is_changed or not self._are_active(installed)
        shown = without_tokens(options["to"]) or str(place.local)
        answer: dict[str, object] = {"changed": is_changed, "repository": shown}
        answer["diff"] = self._diff({**installed, **given}, [*outdated, *outdated_options])
        if check_mode or not is_changed:
            return answer
        # Not in the middle of a backup.
        with locked(f"backup-{place.app.name}"), self._prepared(options, given, proven) as trial:
            if not is_proven:
                try:
                    answer["created"] = self._open(trial)
                except BackupError as error:
                    raise BackupError(f"{error} {self.state()}") from error
            if installed[place.drill_timer] is None and place.drill_timer in outdated:
                self._end_timer(place.drill_timer)
            # The program first: it knows where the options are, also those of a run that is killed from here on.
            installed_program.write(installed, outdated, {install.PROGRAM: 0o755})
            self._accept(trial)
            if any(path in outdated for path in units):
                self._systemctl("daemon-reload")
            names = [path.name for path in self._timers() if installed[path] is not None]
            self._systemctl("enable", *names)
            # `enable --now` would not make a timer that runs take another time.
            self._systemctl("restart", *names)
        if answer.get("created"):
            self._systemctl("start", "--no-block", place.timer.name.removesuffix(".timer") + ".service")
        return answer

    def state(self) -> str:
        """What becomes of the backup after a failure, for messages."""
        place = self.place
        if not (place.timer.exists() and place.proven.exists()):
            return f"{place.app.name} has no backup until this is corrected."
        return f"Nothing was changed: the backup to {Repository(place).shown} goes on as before."

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
        """Open the repository, which must exist, and write the options. No timer is made: `begin` does the rest."""
        given = install.option_files(self.place, options)
        with locked(f"backup-{self.place.app.name}"), self._prepared(options, given, None) as trial:
            self._open(trial, make=False)
            self._accept(trial)

    @contextlib.contextmanager
    def _prepared(
        self, options: BackupOptions, given: Mapping[Path, str | None], proven: str | None
    ) -> Iterator[Place]:
        """Have the options beside those in use, until they are accepted or the block ends."""
        contents = {path.name: content for path, content in given.items()}
        # restic reads the password from a file: arguments and variables of a process are seen by others.
        contents |= {"password": options["password"] + "\n", "proven": proven}
        try:
            yield option_files.prepare(self.place, contents)
        finally:
            option_files.discard(self.place)

    def _open(self, trial: Place, *, make: bool = True) -> bool:
        repository = Repository(trial)
        if make and repository.is_local:
            files.make_directory(trial.local.parent, 0o700)
        return repository.ensure(self.place.password, make=make)

    def _accept(self, trial: Place) -> None:
        """Use the prepared options. A former password opens the repository until then, and not any longer."""
        former = files.read(self.place.password)
        is_other = former is not None and former != files.read(trial.password)
        key = Repository(trial).key_of(self.place.password) if is_other else ""
        option_files.accept(self.place)
        if key:
            # A server that only adds does not remove it.
            Repository(self.place).attempt("key", "remove", key)

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
            if path == install.PROGRAM or is_unit or path.is_relative_to(self.place.home):
                ends = {"before": texts[0], "after": texts[1] if texts[1] != texts[0] else "(changed)\n"}
                found.append({"before_header": str(path), "after_header": str(path), **ends})
        return found
