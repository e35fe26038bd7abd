# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a cluster has space: without it, apps cannot write, and PostgreSQL ends."""

from __future__ import annotations

import os
from glob import escape, glob

from ansible_collections.gatehouse.django.plugins.module_utils._core import disk_space
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import Cluster

# PostgreSQL writes its log of changes (WAL) into files of 16 MB. If it cannot make the next one, it ends with a PANIC,
# and cannot start before there is space again.
LEAST_FREE = 64 << 20  # bytes


def places(cluster: Cluster) -> list[str]:
    """Return the directories in which the server writes: its data, its log of changes, and its tablespaces."""
    found = [cluster.data, f"{cluster.data}/pg_wal", *sorted(glob(f"{escape(cluster.data)}/pg_tblspc/*"))]
    return [place for place in found if cluster.data and os.path.isdir(place)]


def shortage(cluster: Cluster) -> tuple[str, str]:
    """Return the first of these directories that lacks space and what it lacks, like `is full`; empty texts for none.

    Also a file system counts that is read-only, or that has less than LEAST_FREE.
    """
    for place in places(cluster):
        found, lack = os.statvfs(place), disk_space.lack(place)
        free = found.f_bavail * found.f_frsize
        if lack or free < LEAST_FREE:
            return place, lack or f"has only {free >> 20} MB left"
    return "", ""


def refusal(cluster: Cluster) -> str:
    """Return why nothing must be written into the cluster now, with the remedy; empty if it has space."""
    place, lack = shortage(cluster)
    if not place:
        return ""
    return (
        f"The file system of '{place}' {lack}, and PostgreSQL ends if it cannot write its log of changes. Make space "
        f"there (df --human-readable {place}): remove or move other files, and none in '{place}' itself."
    )
