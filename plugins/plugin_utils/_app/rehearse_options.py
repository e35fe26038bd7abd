# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option `rehearse` of an app: validate it, and turn it into what the module reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Rehearse
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown

KEYS = ("refuse_locks_over", "refuse_new_errors")
DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?(ms|s|min)")
SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0}


def of_rehearse(options: Mapping[str, object]) -> Iterator[str]:
    """Check the option, and whether there can be migrations to rehearse."""
    given = options.get("rehearse") or False
    if not isinstance(given, (bool, Mapping)):
        yield f"rehearse: '{given}' must be true, false, or a dictionary like {{refuse_locks_over: 5s}}."
        return
    entry = given if isinstance(given, Mapping) else {}
    yield from (f"rehearse: {unknown(str(key), KEYS)}" for key in entry if key not in KEYS)
    limit = entry.get("refuse_locks_over")
    if limit is not None and seconds(limit) is None:
        yield f"rehearse: refuse_locks_over '{limit}' is no duration. Use one like '500ms', '5s' or '2min'."
    refuses = entry.get("refuse_new_errors", False)
    if not isinstance(refuses, bool):
        yield f"rehearse: refuse_new_errors '{refuses}' must be true or false."
    if given and not options.get("migrate_databases", ["default"]):
        yield "rehearse: migrate_databases is empty, so there is nothing to rehearse. Remove one of the two options."


def seconds(given: Any) -> float | None:
    """Return a duration in seconds, None if *given* is none. 0 is one: each lock on a live table is refused."""
    found = DURATION.fullmatch(str(given)) if isinstance(given, str) else None
    return float(found[1]) * SECONDS[found[2]] if found else None


def normal(given: object) -> Rehearse:
    """Return the option for the module: empty if nothing is rehearsed; `refuse_locks_over` in seconds or None."""
    if not given:
        return {}
    entry = given if isinstance(given, Mapping) else {}
    return {
        "refuse_locks_over": seconds(entry.get("refuse_locks_over")),
        "refuse_new_errors": bool(entry.get("refuse_new_errors", False)),
    }
