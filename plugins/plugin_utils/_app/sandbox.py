# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd properties of all units that run a project's code.

These are the units of web processes, other processes, timers, checks, migrations and `manage`. systemd 252 supports all
properties; older versions ignore unknown ones without an error (systemd.exec(5)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import SYSTEMD_SOCKETS

PROFILE: dict[str, object] = {
    "UMask": "0027",
    # properties() adds the app's data.
    "ReadWritePaths": [],
    "ProtectSystem": "strict",
    "ProtectHome": True,
    "PrivateTmp": True,
    # System V and POSIX IPC objects have host-wide limits.
    "PrivateIPC": True,
    "InaccessiblePaths": SYSTEMD_SOCKETS,
    # A tmpfs that counts towards the unit's memory. multiprocessing needs this mode for its semaphores.
    "TemporaryFileSystem": "/dev/shm:rw,size=64M,mode=1777,nosuid,nodev",
    "PrivateDevices": True,
    "PrivateUsers": True,
    "ProtectClock": True,
    "ProtectControlGroups": True,
    "ProtectHostname": True,
    "ProtectKernelLogs": True,
    "ProtectKernelModules": True,
    "ProtectKernelTunables": True,
    "ProtectProc": "invisible",
    "ProcSubset": "pid",
    "NoNewPrivileges": True,
    "CapabilityBoundingSet": "",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
    "RestrictNamespaces": True,
    "RestrictRealtime": True,
    "RestrictSUIDSGID": True,
    "LockPersonality": True,
    "MemoryDenyWriteExecute": True,
    "RemoveIPC": True,
    "KeyringMode": "private",
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
    "SystemCallFilter": ["@system-service", "~@privileged @resources"],
}
# The paths that an inventory gives come in addition: without its own data no app works.
ADDED = ("ReadWritePaths",)


def slice_name(app: str) -> str:
    """Return the slice of *app*. A dash nests slices: `gatehouse-shop-two.slice` would be inside of that of `shop`."""
    return "gatehouse-{}.slice".format(app.replace("-", r"\x2d"))


def properties(app: str, data: str, limits: Mapping[str, object], changes: Mapping[str, object]) -> list[str]:
    """Return the properties for *app* with its *data* directory; *changes* replaces values of PROFILE."""
    # LimitNPROC= limits each unit even on a host without a pids controller, such as some containers.
    own = {
        "User": app,
        "Group": app,
        "Slice": slice_name(app),
        "LimitNOFILE": limits["open_files"],
        "LimitNPROC": limits["tasks"],
    }
    return [*directives(own, {}), *directives(PROFILE | {"ReadWritePaths": data}, changes)]


def directives(profile: Mapping[str, object], changes: Mapping[str, object]) -> list[str]:
    """Return the lines of *profile* after replacing values with *changes*."""
    merged = dict(profile)
    for name, value in changes.items():
        merged[name] = [*values(merged.get(name)), *values(value)] if name in ADDED else value
    return [f"{name}={value}" for name, given in merged.items() for value in values(given)]


def values(given: Any) -> Iterator[str]:
    """Yield the values of a directive. A list writes the directive once for each value."""
    for value in given if isinstance(given, list) else [given]:
        if isinstance(value, bool):
            yield "yes" if value else "no"
        elif value is not None:
            yield str(value)
