# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the Debian packages that the host lacks."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core import apt


def missing(tools: Tools, names: Iterable[str]) -> list[str]:
    """Return those of *names* that are not installed and that no installed package provides.

    Raise ReleaseError if the host has no dpkg.
    """
    if shutil.which("dpkg-query") is None:
        raise ReleaseError("The host has no dpkg-query: the collection supports Debian only. Nothing was changed.")
    try:
        return apt.missing(tools.attempt, names)
    except apt.AptError as error:
        raise ReleaseError(str(error)) from error
