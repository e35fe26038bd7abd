# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the report of the process that prepares a candidate, as untrusted input.

The project's code runs in the reporting process. A report is valid only with the token that the process got before it
imported the project, with every phase in it, and if the files on the disk match it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, readable
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree

# The phases of gatehouse_prepare.py; their order differs on new databases.
PHASES = frozenset({"settings", "check", "application", "collectstatic", "plan", "migrate"})
HOST = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,253}")
MIGRATION = re.compile(r"[^\s.]{1,100}\.\S{1,255}( \(database [^\s()]{1,100}\))?")
# The identifier of a check, such as security.W004. Projects can choose theirs freely.
IDENTIFIER = re.compile(r"[\w.-]{1,100}")
MAX_IDENTIFIERS = 50
MAX_CHECK_CHARACTERS = 20_000
MAX_URL_CHARACTERS = 200
# About 12 days.
MAX_PHASE_SECONDS = 1_000_000


@dataclass(frozen=True)
class Report:
    """The reported values, each of its type; `has_phases_of` tells whether they were completed."""

    phase: str = "prepare"
    phases: dict[str, float] = field(default_factory=dict)
    check: str = ""
    error: str = ""
    ignored: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    is_new: bool = False
    migrations: list[str] = field(default_factory=list)
    known_migrations: list[str] = field(default_factory=list)
    health_host: str = "localhost"
    allows_none: bool = False
    static_url: str = ""
    static_files: int = 0

    def has_phases_of(self, part: str) -> bool:
        """Return whether the report contains each phase of a *part* (part_of() in gatehouse_prepare.py)."""
        if part == "migrate":
            return self.phases.keys() >= {"plan", "migrate"}
        if part == "until_migration":
            return self.phases.keys() >= ({"plan"} if self.is_new else PHASES - {"migrate"})
        if part == "after_migration":
            return self.phases.keys() >= {"collectstatic", "check", "application"}
        return self.phases.keys() >= PHASES or (part == "before" and self.awaits_migration)

    @property
    def awaits_migration(self) -> bool:
        """Return whether all phases before the migration of databases with data were completed."""
        return self.phases.keys() == PHASES - {"migrate"} and bool(self.migrations) and not self.is_new

    def continued(self, last: Report) -> Report:
        """Return the report of a process that awaited the migration, with the phases of the *last* one, for it."""
        return replace(self, phase=last.phase, phases={**self.phases, **last.phases}, migrations=last.migrations)

    @property
    def migrated(self) -> bool:
        """Return whether migrations were applied before a later phase failed."""
        return "migrate" in self.phases and self.phase != "migrate"

    def explain(self, code: int, printed: str) -> str:
        """Return why a process failed that ended with *code* and *printed* this to standard error."""
        if code and self.error:
            return self.error
        if code:
            return printed or f"the process ended with exit code {code}"
        return (
            "the process ended before its last phase and reported no error. Check whether a module of the project "
            f"calls os._exit() when it is imported.\n{printed}"
        ).rstrip()

    def check_static(self, directory: str) -> None:
        """Raise ReleaseError unless *directory* has the reported number of files."""
        # As the process counts with os.walk(), for which a link to a directory is one.
        found = sum(not entry.is_dir() for entry in tree.entries(directory))
        if found != self.static_files:
            raise ReleaseError(
                f"phase 'collectstatic': the process reported {self.static_files} static files, "
                f"but the release has {found}"
            )


def read(output: str, token: str) -> Report:
    """Return the report in the last line of *output*, or an empty one if it is missing or has another *token*."""
    try:
        found = json.loads(output.splitlines()[-1])
        if found["token"] != token:
            return Report()
        return _checked(found)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError, OverflowError):
        return Report()


def _checked(found: Mapping[str, Any]) -> Report:
    report = Report(
        phase=str(found["phase"]),
        phases={name: round(float(seconds), 2) for name, seconds in found["phases"].items()},
        check=_text(found.get("check", "")),
        error=_text(found.get("error", "")),
        ignored=[str(name) for name in found.get("ignored", [])][:MAX_IDENTIFIERS],
        unused=[str(name) for name in found.get("unused", [])],
        is_new=found.get("is_new") is True,
        migrations=[str(name) for name in found.get("migrations", [])],
        known_migrations=[str(name) for name in found.get("known_migrations", [])],
        health_host=found.get("health_host", "localhost"),
        allows_none=found.get("allows_none") is True,
        static_url=readable(str(found.get("static_url", "")))[:MAX_URL_CHARACTERS],
        static_files=int(found.get("static_files", 0)),
    )
    named = [*report.migrations, *report.known_migrations]
    if not {report.phase, *report.phases} <= PHASES or not all(map(_is_migration, named)):
        raise ValueError("unknown names")
    if not all(0 <= seconds < MAX_PHASE_SECONDS for seconds in report.phases.values()):
        raise ValueError("no duration")
    if not HOST.fullmatch(report.health_host):
        raise ValueError("no host name")
    if not all(map(IDENTIFIER.fullmatch, report.ignored)):
        raise ValueError("no identifiers of checks")
    return report


def _text(given: object) -> str:
    return "\n".join(map(readable, str(given)[:MAX_CHECK_CHARACTERS].splitlines()))


def _is_migration(name: str) -> bool:
    return name.isprintable() and MIGRATION.fullmatch(name) is not None
