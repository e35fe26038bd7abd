# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of the static files that a release has built, to compare them between the hosts that serve an app.

A page of one host asks the others for its files, too, so a build must give all hosts the same names. Files whose names
have a hash then have the same content.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree

RECORD = "static_names.json"
# What makes static files: the build with collectstatic, and the option of this name.
PARTS = ("build", "release_commands")
# Whether a variant exists depends on the compressor of the host.
COMPRESSED = (".gz", ".br", ".zst")
# The app writes the files and the controller reads their names, so a list of more than these is not kept.
LISTED = 20_000


class Part(TypedDict):
    """The files that one of PARTS has made."""

    digest: str
    names: list[str] | None  # None if there are more than LISTED


def record(release: str, part: str) -> None:
    """Record the static files that the release has now, as those of *part*, without those of other parts."""
    known = _read(release)
    others = {name for other, one in known.items() if other != part for name in one["names"] or []}
    found = sorted(names(os.path.join(release, "static")) - others)
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()
    known[part] = {"digest": digest, "names": found if len(found) <= LISTED else None}
    files.replace(Path(release, RECORD), json.dumps(known), 0o600)


def digests(release: str) -> dict[str, str]:
    """Return the digest of the names of each part; none of a release that was built for one host."""
    return {part: one["digest"] for part, one in _read(release).items()}


def names(static: str) -> set[str]:
    """Return the paths of the files below the directory *static*, relative to it, without compressed variants.

    The app can still write there. No link is followed, and too deep directories, which tree.take_over() refuses later,
    are left out.
    """
    found = set()
    for path, directories, here, _descriptor in os.fwalk(static):
        below = os.path.relpath(path, static)
        if below.count(os.sep) >= tree.MAX_DEPTH:
            directories.clear()
        found |= {os.path.normpath(os.path.join(below, name)) for name in here}
    return {name for name in found if not (name.endswith(COMPRESSED) and os.path.splitext(name)[0] in found)}


def _read(release: str) -> dict[str, Part]:
    content = files.read(Path(release, RECORD))
    found: dict[str, Part] = json.loads(content) if content else {}
    return found
