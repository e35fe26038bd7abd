# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fit the connections of nginx's workers into the open files of the host, and say where they do not fit."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.backlog import BACKLOG
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.file_limit import UNIT_LIMIT
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxConf, NginxFacts

# Without the option, if the host can give as many. nginx allocates about 400 bytes for each at its start.
DEFAULT_CONNECTIONS = 8192
# Fewer are soon used up by slow clients.
FEW_CONNECTIONS = 2048
# A connection uses its socket and often a file; the other half is for open_file_cache, logs and listening sockets.
FILES_PER_CONNECTION = 4
# nginx refuses fewer connections than it has listening sockets.
FEWEST_CONNECTIONS = 16


@dataclass(frozen=True)
class WorkerLimits:
    """What nginx.conf gives each worker process."""

    connections: int
    open_files: int


def worker_limits(settings: NginxConf, host: NginxFacts) -> WorkerLimits:
    """The limits of each worker: what *settings* ask for, as far as the host gives it."""
    available = host["open_files"]
    connections = min(settings["worker_connections"] or DEFAULT_CONNECTIONS, available // FILES_PER_CONNECTION)
    connections = max(connections, FEWEST_CONNECTIONS)
    return WorkerLimits(connections, min(available, max(UNIT_LIMIT, FILES_PER_CONNECTION * connections)))


def warnings(settings: NginxConf | None, host: NginxFacts) -> list[str]:
    """What the host cannot give that *settings* of a managed nginx.conf ask for."""
    if settings is None:
        return []
    asked, given = settings["worker_connections"], worker_limits(settings, host).connections
    found = []
    remedy = (
        "Raise the limit of the container or virtual machine (for systemd-nspawn, podman and Docker the limit of open "
        "files that it is started with)"
    )
    if asked and given < asked:
        found.append(
            f"nginx_conf: worker_connections {asked} does not fit into the {host['open_files']} files that nginx may "
            f"have open on this host: each worker gets {given} connections. {remedy}, or set worker_connections to "
            f"{given} or less"
        )
    elif not asked and given < DEFAULT_CONNECTIONS:
        few = ", and a few slow clients can use them up" if given < FEW_CONNECTIONS else ""
        found.append(
            f"nginx may have only {host['open_files']} files open on this host, so each of its workers gets {given} "
            f"connections instead of {DEFAULT_CONNECTIONS}{few}. {remedy}, or set worker_connections to {given} or "
            "less to accept that"
        )
    if host["somaxconn"] < BACKLOG:
        found.append(
            f"net.core.somaxconn is {host['somaxconn']} on this host: the kernel keeps only so many new connections "
            "waiting for nginx and for each app, and drops or refuses more. Set it to "
            f"{BACKLOG} (sysctl.d(5)), then restart nginx and the apps"
        )
    return found
