# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An alias that lacks the slash at its end."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """The location ends with a slash, the alias does not, and it is a directory."""
    file = visit.file
    if not (file and file.given and file.is_alias and file.prefix.endswith("/")):
        return None
    if file.directory.endswith("/") or not untrusted.is_directory(file.directory):
        return None
    path = visit.request.decoded_path
    cause = f"The alias of location {file.prefix} lacks its last slash: for {path} nginx looks for {file.path}"
    remedy = places.snippet_remedy(visit.host, file.given, f"alias {file.directory}/;")
    return Finding(visit.request.site, f"{cause}.", remedy)
