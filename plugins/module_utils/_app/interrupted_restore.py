# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore that was killed: the app may serve nothing, or the database of one moment with the files of another."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import is_held
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import BACKUP_DIRECTORY

JOURNAL = "restore.json"


def explain(app: str, directory: str = BACKUP_DIRECTORY) -> str:
    """Return what is to be done about a restore of *app* that was killed; empty without one."""
    if not os.path.exists(os.path.join(directory, app, JOURNAL)) or is_held(f"app-{app}"):
        return ""
    return (
        f"A restore of {app} was interrupted. Finish it, or undo it: `ansible-playbook gatehouse.django.restore "
        f"-e app={app} -e confirm={app}` does what is left."
    )


def check(app: str, directory: str = BACKUP_DIRECTORY) -> None:
    """Raise ReleaseError if a restore of *app* was killed."""
    if found := explain(app, directory):
        raise ReleaseError(f"{found} Nothing was changed.")
