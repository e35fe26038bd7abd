# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A path that is a directory."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """The operator named a directory, which nginx does not list."""
    file = visit.file
    if file is None or not visit.is_target or not untrusted.is_directory(file.path, file.directory):
        return None
    cause = f"{visit.request.decoded_path} is the directory {file.path}, which nginx does not list"
    return Finding(visit.request.site, f"{cause}.", "Request a file in it.")
