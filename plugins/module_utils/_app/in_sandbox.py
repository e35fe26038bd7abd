# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a program with a release's Python in the environment and sandbox of the app's processes, by its script `manage`.

It needs no plan of the controller: the release that is served says in its record what its sandbox is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import systemd_run


def command(
    app: App, release: str, seconds: int, more: Sequence[str] = (), manage: str | None = None, unit: str = ""
) -> list[str]:
    """The command that runs the release's Python; its arguments follow. systemd ends it after *seconds*.

    *release* is the path of a release. *more* are further properties of the unit. *manage* is the text of the script of
    a candidate, which has no record yet. *unit* is the unit's name, if a later run has to find it.
    """
    if manage is None:
        manage = app.record(os.path.basename(release))["units"].get(f"{app.home}/manage", "")
    properties = [
        # Never as root, whatever the other properties say.
        *(f"{option}={app.name}" for option in ("User", "Group")),
        *properties_of(manage),
        # systemd reads the secrets: no argument contains them, and this process never has them.
        f"EnvironmentFile={release}/env",
        f"WorkingDirectory={release}/project",
        f"RuntimeMaxSec={seconds}",
        *more,
    ]
    return [*systemd_run(properties, unit), f"{release}/venv/bin/python"]


def properties_of(manage: str) -> list[str]:
    """The systemd properties in the app's script `manage`; raise ReleaseError if it has none."""
    # The last arguments of its main() are written as JSON, one in each line (plugin_utils/_app/render.py).
    for line in reversed(manage.splitlines()):
        if line.startswith("    ["):
            found: list[str] = json.loads(line.strip().removesuffix(","))
            return found
    if manage:
        raise ReleaseError("The record of the release does not say what its sandbox is: deploy the app again.")
    return []
