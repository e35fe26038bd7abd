# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the Debian packages that the host lacks."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools

# deb-substvars(5): the state and the name of a package, and the virtual packages that it provides.
FORMAT = "${db:Status-Status}|${Package}|${Provides}\n"


def missing(tools: Tools, names: Iterable[str]) -> list[str]:
    """Return those of *names* that are not installed and that no installed package provides.

    Raise ReleaseError if the host has no dpkg.
    """
    if shutil.which("dpkg-query") is None:
        raise ReleaseError("The host has no dpkg-query: the collection supports Debian only. Nothing was changed.")
    known = set()
    for line in tools.run(["dpkg-query", "--show", f"--showformat={FORMAT}"]).splitlines():
        state, name, provided = line.split("|", 2)
        if state == "installed":
            known |= {name, *(one.split()[0] for one in provided.split(",") if one.strip())}
    return [name for name in dict.fromkeys(names) if name not in known]
