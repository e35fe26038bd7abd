# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A killed restore or rollback of databases: the app may serve nothing, or the database of another moment."""

from __future__ import annotations

import json
import os

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import is_held
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import BACKUP_DIRECTORY

JOURNAL = "restore.json"


def explain(app: str, directory: str = BACKUP_DIRECTORY) -> str:
    """Return what is to be done about a restore of *app* that was killed; empty without one."""
    found = _journal(app, directory)
    if found is None or is_held(f"app-{app}"):
        return ""
    is_rollback = bool(found.get("target"))
    what, command = ("rollback of the database", "rollback") if is_rollback else ("restore", "restore")
    more = " -e restore_database=true" if is_rollback else ""
    # On a host without data, nothing is replaced that would have to be confirmed.
    more += "" if found.get("is_first") else f" -e confirm={app}"
    return (
        f"A {what} of {app} was interrupted. Finish it, or undo it: `ansible-playbook gatehouse.django.{command} "
        f"-e app={app}{more}` does what is left."
    )


def is_before_first_release(app: str, directory: str = BACKUP_DIRECTORY) -> bool:
    """Whether the restore that was killed was one onto a host without a release of the app."""
    return bool((_journal(app, directory) or {}).get("is_first"))


def check(app: str, directory: str = BACKUP_DIRECTORY) -> None:
    """Raise ReleaseError if a restore of *app* was killed."""
    if found := explain(app, directory):
        raise ReleaseError(f"{found} Nothing was changed.")


def check_none(app: str, directory: str = BACKUP_DIRECTORY) -> None:
    """Raise ReleaseError if there is the journal of a restore; the caller holds the lock of the app."""
    if _journal(app, directory) is not None:
        raise ReleaseError("A restore or rollback of the database works on this host already. Nothing was changed.")


def _journal(app: str, directory: str) -> dict[str, object] | None:
    """What the killed restore has written; None if there was none. A damaged file is one of a restore."""
    text = files.read(os.path.join(directory, app, JOURNAL))
    try:
        found = json.loads(text) if text else text
    except ValueError:
        found = {}
    return None if text is None else found if isinstance(found, dict) else {}
