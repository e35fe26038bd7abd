# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option `backup` of an app: for the argument specs of django_release and django_backup, and its validation."""

from __future__ import annotations

from typing import Any, TypedDict

KEEP = {"daily": 7, "weekly": 4, "monthly": 6}
# How often there is a drill.
OFTEN = ("never", "daily", "weekly", "monthly")
BACKUP_SPEC: dict[str, Any] = {
    "type": "dict",
    "options": {
        "password": {"type": "str", "no_log": True},
        "password_kept": {"type": "bool", "default": False},
        "to": {"type": "str", "default": ""},
        "ssh_key": {"type": "str", "default": "", "no_log": True},
        "known_hosts": {"type": "str", "default": ""},
        "environment": {"type": "dict", "default": {}, "no_log": True},
        "keep": {"type": "dict"},
        "time": {"type": "str", "default": "02:30"},
        "drill": {"type": "str", "choices": list(OFTEN), "default": "weekly"},
        "on_failure": {"type": "str", "default": ""},
    },
}


class KeptOptions(TypedDict):
    """The options that the host keeps for its timer."""

    to: str
    keep: dict[str, int]  # snapshots by kind, as in KEEP
    on_failure: str


class BackupOptions(KeptOptions):
    """The option `backup`, with its defaults."""

    password: str
    password_kept: bool
    ssh_key: str
    known_hosts: str
    environment: dict[str, object]
    time: str
    drill: str
