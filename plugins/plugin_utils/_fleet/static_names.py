# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the hosts of an app have built static files with the same names."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.steps import KEPT

# What makes static files, as in module_utils/_app/static_names.py.
PARTS = {"build": "built", "release_commands": "made by release_commands"}
STATES = {"build": "Nothing was migrated.", "start": "Migrations that were applied stay."}
REMEDY = (
    "A page of one host asks the others for its files too, so their names must be the same on all of them. Lock what "
    "the build installs (package-lock.json with npm ci, a lock for Python, above all if the hosts have different "
    "versions of it), or build once, for example in CI, and deploy the result with source: {archive: ...}. Hosts that "
    "have built a release in different runs get the same files with the next revision of the source."
)


def different(records: Mapping[str, str], outside: Sequence[Mapping[str, object]], app: str, step: str) -> list[str]:
    """Return the lines of the refusal; none if the hosts have built files with the same names.

    *records* are the contents of static_names.json of the release, in base64, by host. A host without it has an empty
    one, and is not compared. *outside* is what the module slurp has returned for the release that is served on the
    hosts of *app* that are not in the play. *step* is the one that has ended, C(build) or C(start).
    """
    found = dict(records) | {f"{one['item']} (not in this run)": str(one.get("content") or "") for one in outside}
    lists = {host: json.loads(base64.b64decode(content)) for host, content in found.items() if content}
    for part, made in PARTS.items():
        groups = _groups({host: one[part] for host, one in lists.items() if part in one})
        if len(groups) > 1:
            reason = f"static files that were {made} have different names on its hosts. {STATES[step]} {KEPT}."
            return [f"{app}: the release is not deployed, because {reason}", *_examples(groups), REMEDY]
    return []


def _groups(parts: Mapping[str, Any]) -> dict[str, list[str] | None]:
    """Return the names of the files by the hosts that have the same ones; None for a list that was not kept."""
    hosts: dict[str, list[str]] = {}
    for host, part in parts.items():
        hosts.setdefault(part["digest"], []).append(host)
    return {", ".join(same): parts[same[0]]["names"] for same in hosts.values()}


def _examples(groups: Mapping[str, list[str] | None]) -> list[str]:
    """Return a line for the hosts of each group, with a file that not all others have."""
    lists = [set(names) for names in groups.values() if names is not None]
    if len(lists) < len(groups):
        return [f"{hosts}: it has too many static files to name one" for hosts, names in groups.items() if not names]
    everywhere = set.intersection(*lists)
    lines = []
    for hosts, names in zip(groups, lists, strict=True):
        own = sorted(names - everywhere)
        text = f"{len(own)} that not all others have, such as static/{harmless(own[0])}" if own else "none of its own"
        lines.append(f"{hosts}: {text}")
    return lines
