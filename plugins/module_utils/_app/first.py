# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the commands that a new database needs once, and create the first administrator.

The record is in the database itself, among the applied migrations of an app "gatehouse": so it is restored with a
backup, and each host of a fleet sees it. Django ignores migrations of unknown apps. Of several hosts that run this at
the same time, one does the work; the others wait until it has succeeded, or do it themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import sandbox_errors
from ansible_collections.gatehouse.django.plugins.module_utils._app.app_user import AppUser, django_command
from ansible_collections.gatehouse.django.plugins.module_utils._app.commands import explain
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import Plan
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail

ADMIN = "admin"
# The mark of a release whose commands have run; it is missing if the run was interrupted or failed.
MARK = ".first_commands"


def is_done(release: str, plan: Plan) -> bool:
    """Return whether nothing of the *plan* is left to run for the *release*."""
    return not (plan["first_commands"] or plan["has_admin"]) or os.path.exists(os.path.join(release, MARK))


def run_first(tools: Tools, user: AppUser, commands: Sequence[Sequence[str]], admin: Mapping[str, str]) -> None:
    """Run each of *commands* and create the *admin*, unless the database records that this was done."""
    try:
        with tools.phase("first_commands"):
            _run_missing(user, commands, admin)
    except ReleaseError as error:
        raise ReleaseError(f"{error}\nThe release is served. Correct the option: the next run tries again.") from error
    Path(user.release, MARK).touch()


def _run_missing(user: AppUser, commands: Sequence[Sequence[str]], admin: Mapping[str, str]) -> None:
    recorded = _run(user, "recorded").split()
    if admin and ADMIN not in recorded:
        _run(user, ADMIN, json.dumps(dict(admin)))
    for words in commands:
        name = hashlib.sha256(json.dumps(list(words)).encode()).hexdigest()[:16]
        if name not in recorded:
            _run_command(user, words, name)


def _run_command(user: AppUser, words: Sequence[str], name: str) -> None:
    command = django_command(words, os.path.join(user.release, "project"), user.python)
    code, out, err = user.attempt([user.python, _program(user), "run", name, *command])
    if code != 0:
        hint = sandbox_errors.explain(f"{out}\n{err}", user.app)
        raise ReleaseError(explain("first_commands", words, code, out, err, hint))


def _program(user: AppUser) -> str:
    return os.path.join(user.release, "gatehouse", "gatehouse_first.py")


def _run(user: AppUser, action: str, data: str = "") -> str:
    code, out, err = user.attempt([user.python, _program(user), action], data=data)
    if code != 0:
        option = f"{ADMIN}: the account cannot be created" if action == ADMIN else f"first_commands: '{action}' failed"
        raise ReleaseError(f"{option} ({code}):\n{tail(err or out)}")
    return out
