# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a server that shares its host with apps, from the host's memory and the connections of the apps."""

from __future__ import annotations

import re

HEADER = "# Made by Gatehouse from the memory of this host and the connections of its apps; changes are overwritten.\n"
# A file that sorts after this one in the same directory overrides it.
HINT = "# To override a setting, write it into a file of this directory that sorts after this one, like local.conf.\n"
# Another number needs a restart, which visitors of all apps notice. So a new server has room for more apps and web
# hosts, and grows in large steps. Room costs 5 MB of shared memory for 100 connections (measured, PostgreSQL 17), also
# on a small host. The apps cannot fill it, because the role of each has a limit. work_mem counts it all the same,
# since other roles have none: with 200 instead of 100 connections, it is 10 MB instead of 20 on a host with 8 GB, and
# the least value on one with up to 1.6 GB in both cases.
FIRST_CONNECTIONS = 200
CONNECTIONS_STEP = 100
# For the superuser, backups, monitoring and people.
OTHER_CONNECTIONS = 20
MEMORY_STEP_MB = 64  # the kernel's own share differs a little from boot to boot


def memory_of(meminfo: str) -> int:
    """Return the host's memory in MB, rounded, from the text of /proc/meminfo."""
    found = re.search(r"^MemTotal:\s+(\d+) kB$", meminfo, re.MULTILINE)
    total = int(found[1]) // 1024 if found else 0
    return max(MEMORY_STEP_MB, round(total / MEMORY_STEP_MB) * MEMORY_STEP_MB)


def connections_of(text: str) -> int:
    """Return `max_connections` of the file with this *text*; 0 without it."""
    found = re.search(r"^max_connections = (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 0


def max_connections(connections: int, known: int) -> int:
    """Return the number for apps that open at most *connections*: the *known* one of the server, if it suffices."""
    least = connections + OTHER_CONNECTIONS
    if known >= least:
        return known
    return max(FIRST_CONNECTIONS, -(-least // CONNECTIONS_STEP) * CONNECTIONS_STEP)


def settings(memory: int, most: int) -> dict[str, str]:
    """Return the settings for a host with *memory* MB whose server accepts *most* connections.

    PostgreSQL's documentation recommends a quarter of the memory of a dedicated server for shared_buffers; the apps on
    this host need most of it. A sort uses up to work_mem, and a query can have several; not all connections sort.
    """
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
