# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""File systems on which nothing can be written: small pages work, but uploads, logs or the next start fail."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._core import disk_space, mounts, paths
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
OF_RELEASES = "no deployment of {app} is possible"
OF_DATA = "{app} cannot write: SQLite, uploads and other changes fail"


def check_space(sites: Sequence[AppSite]) -> list[Finding]:
    """Return a finding for each file system that is full or read-only, of the host and of the apps of *sites*."""
    of_host = [check_place(place, ALL_SITES, effect) for place, effect in PLACES]
    of_apps = [check_app_space(site, app) for app, site in {one.app: one.site for one in sites}.items()]
    return [*filter(None, of_host), *(finding for found in of_apps for finding in found)]


def check_app_space(site: str, app: str) -> list[Finding]:
    """Return a finding for each file system of *app* that is full or read-only."""
    points = _mount_points()
    found, seen = [], set()
    for place, effect in _places_of(app, points).items():
        file_system = _mount_point_of(place, points)
        if file_system not in seen and (finding := check_place(place, site, effect)):
            found.append(finding)
            seen.add(file_system)
    return found


def _places_of(app: str, points: Mapping[str, bool]) -> dict[str, str]:
    """The directories in which *app* or its deployments write, also where an operator mounted something, with effects.

    The first one of a file system that lacks something gives the finding.
    """
    home, data = f"{paths.APPS}/{app}", OF_DATA.format(app=app)
    # One that is mounted read-only is meant to be.
    mounted = {one: data for one, is_writable in points.items() if is_writable and one.startswith(f"{home}/data/")}
    return {f"{home}/data": data, f"{home}/releases": OF_RELEASES.format(app=app), **mounted}


def _mount_points() -> dict[str, bool]:
    """The mount points of the host, and whether each was mounted to be written.

    A file system that became read-only by an error has no option `ro`.
    """
    return {point: "ro" not in options for point, options in mounts.mounted().items()}


def _mount_point_of(place: str, points: Mapping[str, bool]) -> str:
    above = [one for one in points if f"{place}/".startswith(f"{one.rstrip('/')}/")]
    return max(above, key=len, default="/")


def check_place(place: str, site: str, effect: str) -> Finding | None:
    """Return a finding if no file can be made in the directory *place*; *effect* says what fails then."""
    lack = disk_space.lack(place) if os.path.isdir(place) else ""
    if not lack:
        return None
    cause = f"The file system of {place} {lack}: {effect}."
    if "read-only" in lack:
        return Finding(site, cause, f"`findmnt --target {place}` shows its options, and `dmesg` errors of the disk.")
    return Finding(site, cause, f"Remove files from it. `df --human-readable {place}; df --inodes {place}` shows it.")
