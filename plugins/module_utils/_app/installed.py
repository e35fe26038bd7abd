# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the apps of a host, for modules that need no inventory."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import SLUG
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown


def installed(root: str = APPS) -> list[str]:
    """Return the names of the apps of this host, also of one whose first deployment was interrupted."""
    try:
        names = os.listdir(root)
    except FileNotFoundError:
        return []
    return sorted(name for name in names if SLUG.fullmatch(name) and os.path.isdir(App(name, root).releases))


def require(name: str, root: str = APPS) -> App:
    """Return the app; raise ReleaseError if this host does not have it."""
    names = installed(root)
    if name not in names:
        reason = unknown(name, names, "app") if names else f"unknown app '{name}'. This host has no app."
        raise ReleaseError(f"app: {reason} Nothing was changed.")
    return App(name, root)
