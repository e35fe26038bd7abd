# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a release beside a copy of the app's data: in the app's sandbox, as a user that reaches no live data.

The copy's files take the place of the live ones in its mount namespace, so that the settings find them. It has no
network, no sockets of the app's cache and broker, and PostgreSQL knows it by its user. It reads the app's code as a
member of the app's group.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app import in_sandbox
from ansible_collections.gatehouse.django.plugins.module_utils._app.environment import render
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import copy_report
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import RUN_DIRECTORY, SYSTEM_PYTHON
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact, secrets_of
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import (
    environment,
    escape_dollars,
    systemd_run,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

LIMIT_SECONDS = 3600
# Of the app's sandbox, what leads to live data or takes from the app's share of the host.
LIVE = ("User", "Group", "SupplementaryGroups", "Slice", "ReadWritePaths", "BindPaths", "PrivateNetwork")
DATABASE_URL = re.compile(r"(?P<scheme>postg\w+)://.*", re.DOTALL)


class InCopy:
    """Runs programs of the app beside the copy for *purpose*; *more* are further properties of their units.

    *url* returns the DATABASE_URL of the copy for the scheme of the live one, like `postgis`; None if no database of
    PostgreSQL was copied.
    """

    def __init__(
        self, app: App, purpose: str, url: Callable[[str], str] | None = None, more: Sequence[str] = ()
    ) -> None:
        self.app, self._url, self._more = app, url, tuple(more)
        self.data = os.path.join(app.copies, purpose, "data")
        self.environment = Path(RUN_DIRECTORY, f"gatehouse-{app.copy_user}-{purpose}.env")

    def rows(self, path: str) -> dict[str, int]:
        """The rows of each table of the SQLite database *path*."""
        found = self._report([SYSTEM_PYTHON, "-I"], ["rows", path], self.app.current())
        return {str(name): int(number) for name, number in found.items()}

    def migrations(self, release: str, changes: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
        """The migrations of *release* that each database lacks; *changes* are those of its entry in DATABASES."""
        python = f"{self.app.release(release)}/venv/bin/python"
        found = self._report([python], ["migrations", json.dumps(changes)], release)
        return {str(alias): [str(name) for name in names] for alias, names in found.items()}

    def properties(self, release: str) -> list[str]:
        """The properties of the unit (systemd.exec(5))."""
        app, directory = self.app, self.app.release(release)
        manage = app.record(release)["units"].get(f"{app.home}/manage", "")
        kept = [one for one in in_sandbox.properties_of(manage) if one.partition("=")[0] not in LIVE]
        sockets = (os.path.dirname(valkey.socket(valkey.instance(app.name, kind))) for kind in valkey.KINDS)
        return [
            *(f"{option}={app.copy_user}" for option in ("User", "Group")),
            f"SupplementaryGroups={app.name}",
            *kept,
            "PrivateNetwork=yes",
            # A bind mount of what is below an inaccessible path works, and copies for other purposes cannot be reached.
            f"InaccessiblePaths={' '.join(f'-{path}' for path in (app.cache, app.copies, *sockets))}",
            f"BindPaths={self.data}:{app.data}",
            f"ReadWritePaths={app.data}",
            # As for the app's own processes: some projects have files below it.
            f"Environment=HOME={app.data}",
            "MemoryMax=50%",
            f"EnvironmentFile={self.environment}",
            f"WorkingDirectory={directory}/project",
            f"RuntimeMaxSec={LIMIT_SECONDS}",
            *self._more,
        ]

    def variables(self, release: str) -> dict[str, str]:
        """The variables of the release, with the copy in the place of the live database."""
        found = environment(f"{self.app.release(release)}/env")
        live = DATABASE_URL.fullmatch(found.get("DATABASE_URL", ""))
        if live and self._url:
            found["DATABASE_URL"] = self._url(live["scheme"])
        return found

    def _report(self, program: Sequence[str], words: Sequence[str], release: str) -> dict[str, Any]:
        hidden = secrets_of(environment(f"{self.app.release(release)}/env"))
        source = escape_dollars(inspect.getsource(copy_report))
        words = [escape_dollars(word) for word in words]
        with self._variables_for(release):
            command = [*systemd_run(self.properties(release)), *program, "-c", source, *words]
            code, _out, err = run_bounded(["setpriv", "--pdeathsig", "TERM", "--", *command])
        *messages, last = err.strip().splitlines() or [""]
        try:
            answer = json.loads(last) if code == 0 else None
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            reason = harmless(redact(" ".join([*messages[-3:], last]), hidden))[-600:].strip()
            raise BackupError(f"'{words[0]}' of the copy failed ({code}): {reason or 'it printed nothing'}")
        return answer

    @contextlib.contextmanager
    def _variables_for(self, release: str) -> Iterator[None]:
        """Have the variables in a file that only root can read: any user can read the properties of a unit."""
        files.replace(self.environment, render(self.variables(release)), 0o600)
        try:
            yield
        finally:
            files.remove(self.environment)
