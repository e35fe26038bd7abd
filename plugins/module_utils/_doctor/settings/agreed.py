# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remembers until the next boot which apps' settings agreed with their sites.

Reading the settings of a project takes most of a second. A run of the role reads those of an app again when its
release, a site or the comparison has changed, and after each finding.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import AGREED_DIRECTORY, APPS
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite

# The package that reads and compares settings.
PACKAGE = __name__.rpartition(".")[0]


class Agreed:
    """The apps whose settings agreed with *sites*, which are all that the host has."""

    def __init__(self, sites: Sequence[AppSite], root: str = APPS, directory: str = AGREED_DIRECTORY) -> None:
        self.sites, self.root, self.directory = sites, root, Path(directory)
        self.names = sorted(name for site in sites if site.tls for name in site.names)
        self.code = _code()

    def __contains__(self, app: str) -> bool:
        """Return whether nothing that was compared has changed since the settings of *app* agreed."""
        try:
            return files.read(self.directory / app) == self._digest(app)
        except (OSError, ValueError):
            return False

    def add(self, app: str) -> None:
        """Remember that the settings of *app* agree with the sites. A host that cannot write it compares them again."""
        with contextlib.suppress(OSError, ValueError):
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.replace(self.directory / app, self._digest(app), 0o600)

    def _digest(self, app: str) -> str:
        release = os.path.realpath(App(app, self.root).link)
        # The identifier of a release covers its source and settings. An operator may change its environment by hand.
        environment = files.read(os.path.join(release, "env"))
        compared = (release, environment, [site for site in self.sites if site.app == app], self.names, self.code)
        return hashlib.sha256(repr(compared).encode("utf-8", "surrogateescape")).hexdigest()


def _code() -> str:
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith(f"{PACKAGE}.")]
    return hashlib.sha256("".join(inspect.getsource(module) for module in modules).encode()).hexdigest()
