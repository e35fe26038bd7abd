# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a host is drained: no balancer sends it requests, and processes and timers of its apps are stopped."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._app.history import login_user
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import DRAINED
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless


class Mark(TypedDict):
    """Since when a host is drained, as UTC time in ISO 8601 format, and which user of the host did it.

    *once* are the apps whose processes with `run_on: one` ran here.
    """

    since: str
    user: str
    once: list[str]


def is_drained(path: str = DRAINED) -> bool:
    """Return whether the host is drained."""
    return os.path.lexists(path)


def read(path: str = DRAINED) -> Mark | None:
    """Return since when the host is drained, None if it is not; empty texts for what is unknown."""
    text = files.read(path)
    if text is None:
        return None
    try:
        found = json.loads(text)
        once = [harmless(str(name)) for name in found["once"]]
        return {"since": harmless(str(found["since"])), "user": harmless(str(found["user"])), "once": once}
    except (ValueError, KeyError, TypeError):
        return {"since": "", "user": "", "once": []}


def mark(once: Iterable[str], path: str = DRAINED) -> None:
    """Record that the host is drained, and add *once* if it is already."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    before = read(path) or {"since": now, "user": login_user(), "once": []}
    files.make_directory(Path(path).parent)
    files.replace(Path(path), json.dumps({**before, "once": sorted({*before["once"], *once})}) + "\n")


def end(path: str = DRAINED) -> None:
    """Record that the host is not drained any more."""
    files.remove(Path(path))
