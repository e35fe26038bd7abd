# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access logs of sites: nginx would create them world-readable."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import NGINX_LOGS


def create(sites: Iterable[str], user: str) -> list[Path]:
    """Create the missing access logs of *sites* with the distribution's mode and owner; returns their paths."""
    owner = pwd.getpwnam(user)
    try:
        group = grp.getgrnam("adm").gr_gid
    except KeyError:
        group = owner.pw_gid
    created = []
    for name in sites:
        path = Path(f"{NGINX_LOGS}/{name}.access.log")
        if path.parent.is_dir() and not path.exists():
            path.touch(mode=0o640)
            os.chown(path, owner.pw_uid, group)
            created.append(path)
    return created


def remove_empty(logs: Iterable[Path]) -> None:
    """Remove those of *logs* that contain nothing."""
    for path in logs:
        if not path.stat().st_size:
            path.unlink()
