# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write Gatehouse's own files into the directory of a release, which belongs to root."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._app.environment import render
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import Release
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def write_programs(release: str, files: Mapping[str, str]) -> None:
    """Write the programs and settings that Gatehouse adds to the project, contents by name."""
    own = os.path.join(release, "gatehouse")
    os.mkdir(own)
    for name, content in files.items():
        with open(os.path.join(own, name), "w", encoding="utf-8") as file:
            file.write(content)


def write_environment(release: str, variables: Mapping[str, str], group: int) -> None:
    """Write the app's environment, which contains secrets: only root and the *group* of the app can read it."""
    own = os.path.join(release, "gatehouse")
    search = [os.path.join(release, "project"), own, variables.get("PYTHONPATH", "")]
    path = ":".join(directory for directory in search if directory)
    environment = {**variables, "PYTHONPATH": path, "GATEHOUSE_RELEASE": os.path.basename(release)}
    with open(os.open(os.path.join(release, "env"), NEW_FILE, 0o640), "w", encoding="utf-8") as file:
        os.fchown(file.fileno(), 0, group)
        file.write(render(environment))


def complete(tools: Tools, release: str, record: Release) -> None:
    """Write the *record*, and the mark that makes the release complete."""
    with open(os.open(os.path.join(release, "release.json"), NEW_FILE, 0o600), "w", encoding="utf-8") as file:
        json.dump(record, file, indent=2)
    # After a power failure, a mark without its files would be wrong. Only this file system matters.
    tools.run(["sync", "--file-system", release])
    with open(os.path.join(release, ".complete"), "w", encoding="utf-8"):
        pass
