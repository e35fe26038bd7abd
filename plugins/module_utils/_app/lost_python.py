# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find a release whose virtual environment belongs to a Python that the host no longer has.

An upgrade of Debian replaces it. Running processes go on, but the release does not start again.
"""

from __future__ import annotations

import os
import re

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

VERSION = re.compile(r"python(3\.\d{1,3})")


def explain(app: App, release: str) -> str:
    """Return which Python *release* was built for and what the host has; empty if they agree."""
    venv = os.path.join(app.release(release), "venv")
    made_for = [match[1] for entry in _entries(os.path.join(venv, "lib")) if (match := VERSION.fullmatch(entry))]
    python = os.path.join(venv, "bin", "python")
    if not made_for or not os.path.lexists(python):
        return ""
    target = os.path.realpath(python)
    built = f"release {release} was built for Python {made_for[0]}, and "
    if not os.path.exists(target):
        return f"{built}the host no longer has '{target}'"
    # The name of an interpreter need not contain its version.
    present = VERSION.fullmatch(os.path.basename(target))
    return f"{built}the host's Python is {present[1]} now" if present and present[1] not in made_for else ""


def check(app: App, release: str) -> None:
    """Raise ReleaseError if *release* cannot start with the host's Python."""
    if found := explain(app, release):
        raise ReleaseError(
            f"release: {found}, so it does not start. Choose another release, or deploy the older source again, which "
            "builds its environment anew. Nothing was changed."
        )


def _entries(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []
