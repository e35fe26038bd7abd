# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host has: the program for its instances, and the state of each of them."""

from __future__ import annotations

import grp
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import files, systemd, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.texts import DIGEST

# Debian has Valkey from version 13 on.
RELEASES_WITHOUT_VALKEY = ("10", "11", "12")
MEMORY_TOTAL = re.compile(r"^MemTotal:\s+(\d+) kB", re.MULTILINE)


def choose_engine() -> valkey.Engine:
    """Return the program for all instances of the host.

    It is the one that has instances already. Otherwise it is Redis where the host has Redis, then Valkey where the host
    or its distribution has it.
    """
    for engine in valkey.ENGINES:
        if any(Path(UNIT_DIRECTORY).glob(os.path.relpath(engine.drop_in("*"), UNIT_DIRECTORY))):
            return engine
    if valkey.REDIS.is_installed():
        return valkey.REDIS
    return valkey.REDIS if not valkey.VALKEY.is_installed() and _is_without_valkey() else valkey.VALKEY


def _is_without_valkey() -> bool:
    text = files.read("/etc/os-release") or ""
    found = dict(re.findall(r'^(\w+)="?([^"\n]*)', text, re.MULTILINE))
    return found.get("ID") == "debian" and found.get("VERSION_ID") in RELEASES_WITHOUT_VALKEY


def total_memory() -> int:
    """Return the bytes of the host's memory, 0 if unknown."""
    found = MEMORY_TOTAL.search(files.read("/proc/meminfo") or "")
    return int(found[1]) << 10 if found else 0


def group_id(name: str) -> int | None:
    """Return the number of a group, None if the host has no such group."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def states(run: Run, units: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return what systemd says of each unit."""
    return systemd.show_all(run, units, f"{systemd.PROPERTIES},NeedDaemonReload")


def digest_of(pid: str) -> str:
    """Return the digest of the files that the process was started with; empty if it does not run."""
    try:
        with open(f"/proc/{int(pid or 0)}/environ", "rb") as file:
            found = re.search(rb"(?:^|\0)" + DIGEST.encode() + rb"=([0-9a-f]+)", file.read(1 << 16))
    except (OSError, ValueError):
        return ""
    return found[1].decode() if found else ""


def group_of_socket(name: str) -> int | None:
    """Return the number of the group that can enter the socket's directory; None if there is no such directory."""
    try:
        return os.lstat(os.path.dirname(valkey.socket(name))).st_gid
    except OSError:
        return None
