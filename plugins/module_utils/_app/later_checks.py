# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repeat after the switch the checks that did not stop the deployment, because they need the running app.

A check of a worker can only pass when the worker of the release runs. The release is served by then, so what still
fails is a warning. The project determines the output.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.app_user import AppUser
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import readable

# A worker that was just started may need some seconds before it answers.
ATTEMPTS = 3
WAIT_SECONDS = 5.0
MAX_TEXT = 1000  # characters of a finding
MAX_FINDINGS = 20


def problems(user: AppUser, identifiers: Sequence[str], *, has_processes: bool) -> list[str]:
    """Return a sentence for each check of *identifiers* that still fails. With processes, ask more than once."""
    found: list[str] = []
    for attempt in range(ATTEMPTS if has_processes else 1):
        if attempt:
            time.sleep(WAIT_SECONDS)
        found = _ask(user, identifiers)
        if not found:
            break
    return found


def _ask(user: AppUser, identifiers: Sequence[str]) -> list[str]:
    program = os.path.join(user.release, "gatehouse", "gatehouse_check.py")
    code, out, _err = user.attempt([user.python, program, *identifiers])
    try:
        found = json.loads(out)
        texts = [readable(" ".join(str(one["text"]).split()))[:MAX_TEXT] for one in found]
    except (LookupError, TypeError, ValueError, RecursionError):
        return [f"The checks {', '.join(identifiers)} could not be repeated after the switch (exit code {code})."]
    more = [f"{len(texts) - MAX_FINDINGS} more findings of these checks remain."] if len(texts) > MAX_FINDINGS else []
    return [f"A check still fails after the switch: {text}" for text in texts[:MAX_FINDINGS]] + more
