# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""File systems on which nothing can be written: small pages work, but uploads, logs or the next start fail."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._core import disk_space, paths
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.nginx import ALL_SITES
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding

# What fails without each place.
PLACES = (
    (paths.RUN_DIRECTORY, "systemd starts no service, nginx cannot be reloaded, and no deployment is possible"),
    ("/tmp", "programs fail that need temporary files"),
    (paths.NGINX_TEMPORARY, "nginx answers larger uploads and responses with 500, because it has to buffer them"),
    (paths.NGINX_LOGS, "nginx loses lines of its logs, and no log of a new site can be made"),
)
OF_DATA = "{app} cannot write: SQLite, uploads and other changes fail"


def check_space(sites: Sequence[AppSite]) -> list[Finding]:
    """Return a finding for each file system that is full or read-only, of the host and of the apps of *sites*."""
    data = {f"{paths.APPS}/{site.app}/data": (site.site, OF_DATA.format(app=site.app)) for site in sites}
    places = {**{place: (ALL_SITES, effect) for place, effect in PLACES}, **data}
    return [found for place, (site, effect) in places.items() if (found := check_place(place, site, effect))]


def check_place(place: str, site: str, effect: str) -> Finding | None:
    """Return a finding if no file can be made in the directory *place*; *effect* says what fails then."""
    lack = disk_space.lack(place) if os.path.isdir(place) else ""
    if not lack:
        return None
    cause = f"The file system of {place} {lack}: {effect}."
    if "read-only" in lack:
        return Finding(site, cause, f"`findmnt --target {place}` shows its options, and `dmesg` errors of the disk.")
    return Finding(site, cause, f"Remove files from it. `df --human-readable {place}; df --inodes {place}` shows it.")
