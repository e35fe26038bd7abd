# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A killed restore or rollback of databases: the app may serve nothing, or the database of another moment."""

from __future__ import annotations

import contextlib
import json
import os

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import is_held
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import BACKUP_DIRECTORY

JOURNAL = "restore.json"


def explain(app: str, directory: str = BACKUP_DIRECTORY) -> str:
    """Return what is to be done about a restore of *app* that was killed; empty without one."""
    text = files.read(os.path.join(directory, app, JOURNAL))
    if text is None or is_held(f"app-{app}"):
        return ""
    is_rollback = False
    with contextlib.suppress(ValueError, AttributeError):
        is_rollback = bool(json.loads(text).get("target"))
    what, command = ("rollback of the database", "rollback") if is_rollback else ("restore", "restore")
    more = " -e restore_database=true" if is_rollback else ""
    return (
        f"A {what} of {app} was interrupted. Finish it, or undo it: `ansible-playbook gatehouse.django.{command} "
        f"-e app={app}{more} -e confirm={app}` does what is left."
    )


def check(app: str, directory: str = BACKUP_DIRECTORY) -> None:
    """Raise ReleaseError if a restore of *app* was killed."""
    if found := explain(app, directory):
        raise ReleaseError(f"{found} Nothing was changed.")
