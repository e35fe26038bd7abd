# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a server that shares its host with apps, from the host's memory and the connections of the apps."""

from __future__ import annotations

import re

HEADER = "# Made by Gatehouse from the memory of this host and the connections of its apps; changes are overwritten.\n"
# A file that sorts after this one in the same directory overrides it.
HINT = "# To override a setting, write it into a file of this directory that sorts after this one, like local.conf.\n"
# As many as the distribution has.
MIN_CONNECTIONS = 100
# For the superuser, backups, monitoring and people.
OTHER_CONNECTIONS = 20
MEMORY_STEP_MB = 64  # the kernel's own share differs a little from boot to boot


def memory_of(meminfo: str) -> int:
    """Return the host's memory in MB, rounded, from the text of /proc/meminfo."""
    found = re.search(r"^MemTotal:\s+(\d+) kB$", meminfo, re.MULTILINE)
    total = int(found[1]) // 1024 if found else 0
    return max(MEMORY_STEP_MB, round(total / MEMORY_STEP_MB) * MEMORY_STEP_MB)


def settings(memory: int, connections: int) -> dict[str, str]:
    """Return the settings for a host with *memory* MB whose apps open at most *connections* connections.

    PostgreSQL's documentation recommends a quarter of the memory of a dedicated server for shared_buffers; the apps on
    this host need most of it. A sort uses up to work_mem, and a query can have several; not all connections sort.
    """
    most = max(MIN_CONNECTIONS, -(-(connections + OTHER_CONNECTIONS) // 10) * 10)
    return {
        "max_connections": str(most),
        "shared_buffers": f"{_within(memory // 8, 64, 8192)}MB",
        "effective_cache_size": f"{_within(memory // 2, 128, 1_000_000)}MB",
        "work_mem": f"{_within(memory // (4 * most), 4, 64)}MB",
        "maintenance_work_mem": f"{_within(memory // 16, 64, 1024)}MB",
        # A migration that queues visitors behind a lock is in the log.
        "log_lock_waits": "on",
        # A connection counts before its client has said who it is.
        "authentication_timeout": "10s",
    }


def render(found: dict[str, str]) -> str:
    """Return the text of the file."""
    return HEADER + HINT + "".join(f"{name} = {value}\n" for name, value in found.items())


def _within(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
