# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one step of a deployment to several hosts leaves in the candidate for the next step."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.report import Report
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core import files

NAME = ".prepared"


@dataclass(frozen=True)
class Prepared:
    """A candidate that is built and checked. Its databases are not migrated, or not known to be."""

    report: Report
    modules: list[str]  # the directories node_modules of the source, which stay
    dependencies: str  # the list that was installed, for the operator
    unused: list[str]  # variables of the inventory that the project does not use
    ignored_checks: list[str]
    run: str  # the run of Ansible that built it

    @classmethod
    def read(cls, release: str, run: str) -> Prepared:
        """Read what the step build of the same *run* left; raise ReleaseError if another run has replaced it."""
        try:
            found = json.loads(files.read(Path(release, NAME)) or "")
            prepared = cls(**{**found, "report": Report(**found["report"])})
        except (OSError, ValueError, TypeError, KeyError):
            prepared = None
        if prepared is None or prepared.run != run:
            raise ReleaseError(
                f"the candidate {os.path.basename(release)} of this run is not there any more: another run has "
                "deployed the app meanwhile. Look what it did (playbook `status`), and run this one again."
            )
        return prepared

    def write(self, release: str) -> None:
        """Write it where only root can read it."""
        files.replace(Path(release, NAME), json.dumps(asdict(self)), 0o600)


def drop(release: str) -> None:
    """Remove it from a release that is complete."""
    files.remove(Path(release, NAME))
