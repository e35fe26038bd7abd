# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PostgreSQL server of the host itself: whether it runs, and whether it has space."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import THIS_HOST
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import cluster as clusters
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import space
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import Cluster, PostgresqlError

RUNNING = ("active", "reloading")


@dataclass(frozen=True)
class State:
    """What is wrong with the server: *cause* is the end of a sentence, empty if nothing is."""

    cause: str = ""
    remedy: str = ""
    # Whether it keeps apps from writing, although they may connect.
    is_space: bool = False


def is_local(host: Host, address: str) -> bool:
    """Whether *address*, of a database, is the host's own server."""
    return address in (*THIS_HOST, *host.addresses) or address.startswith("/")


def examine(host: Host) -> State:
    """Return what is wrong with the cluster that apps use; nothing if the host has none."""
    if not os.path.exists(f"/usr/bin/{clusters.PROGRAM}"):
        return State()
    try:
        found = clusters.find(host.run)
    except PostgresqlError:
        return State()
    return _space(host, found) or _down(host, found) or State() if found else State()


def _space(host: Host, found: Cluster) -> State | None:
    place, lack = space.shortage(found)
    if not place:
        return None
    state = systemd.show_all(host.run, [found.unit], f"{systemd.PROPERTIES},Restart").get(found.unit, {})
    then = "It goes on by itself."
    if state.get("ActiveState") in RUNNING:
        effect = "apps cannot write, and it ends if it cannot write its own log of changes"
    else:
        effect = f"it has ended ({found.unit} is {systemd.state(state)}); what it had confirmed to apps is kept"
        if state.get("Restart") in ("", "no"):
            then = f"Then `systemctl start {found.unit}`."
    if lack == "is read-only":
        remedy = f"`findmnt --target {place}` shows its options, and `dmesg` errors of the disk. {then}"
    else:
        remedy = (
            f"Make space there: `df --human-readable {place}; df --inodes {place}`. Remove or move other files, and "
            f"none in {place} itself. {then}"
        )
    return State(f"the file system of {place} {lack}: {effect}", remedy, is_space=True)


def _down(host: Host, found: Cluster) -> State | None:
    state = systemd.show(host.run, found.unit)
    if state.get("ActiveState") in RUNNING:
        return None
    cause = f"{found.unit} is {systemd.state(state)}"
    if not systemd.is_failing(state):
        return State(cause, f"`systemctl start {found.unit}`")
    read = f"Read `journalctl -n 50 -u {found.unit}`, correct what it names, then"
    return State(cause, f"{read} `systemctl restart {found.unit}`.")
