# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drop-in that has systemd start a cluster again that has ended by itself.

PostgreSQL ends if it cannot write its log of changes, because the disk is full, and it cannot start before there is
space. The distribution's unit stays failed then (postgresql@.service of postgresql-common). An end that was asked for,
by systemctl or pg_ctlcluster, is no failure.
"""

from __future__ import annotations

from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import Cluster

RESTART_SECONDS = 10
TEXT = f"""# Made by Gatehouse; changes are overwritten.
[Unit]
StartLimitIntervalSec=0

[Service]
Restart=on-failure
RestartSec={RESTART_SECONDS}
"""


def drop_in(unit: str) -> Path:
    """Return the file for a unit, like `postgresql@17-main.service`."""
    return Path(UNIT_DIRECTORY, f"{unit}.d", "gatehouse.conf")


def differs(cluster: Cluster) -> bool:
    """Return whether the file is missing or has another text."""
    return files.read(drop_in(cluster.unit)) != TEXT


def hand_on(before: str, unit: str) -> bool:
    """Give to a *unit* what the unit *before* has; return whether systemd has to read it (`daemon-reload`)."""
    text, target = files.read(drop_in(before)), drop_in(unit)
    if not text or files.read(target) == text:
        return False
    files.make_directory(target.parent)
    files.replace(target, text, 0o644)
    return True
