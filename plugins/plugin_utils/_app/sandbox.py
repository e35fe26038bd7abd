# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd properties of all that runs a project's code.

Those are the web processes, other processes and timers, the checks and migrations, and `manage`. systemd 252 knows all
of them; an older one would ignore what it does not know without an error (systemd.exec(5)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PROFILE: dict[str, Any] = {
    "UMask": "0027",
    # The app's data is added.
    "ReadWritePaths": [],
    "ProtectSystem": "strict",
    "ProtectHome": True,
    "PrivateTmp": True,
    # System V's and POSIX's objects have limits for the whole host.
    "PrivateIPC": True,
    # systemd tells any local user what runs, with its arguments.
    "InaccessiblePaths": "-/run/dbus -/run/systemd/private",
    # In memory, counted as the unit's. Without the mode multiprocessing cannot make its semaphores.
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
    """The slice of *app*. A dash nests slices: `gatehouse-shop-two.slice` would be inside of the one of `shop`."""
    return "gatehouse-{}.slice".format(app.replace("-", r"\x2d"))


def properties(app: str, data: str, limits: Mapping[str, Any], changes: Mapping[str, Any]) -> list[str]:
    """The properties for *app*, whose files are in *data*; *changes* replaces values of PROFILE."""
    # LimitNPROC= holds in each unit, also where the host has no pids controller, as in some containers.
    own = {
        "User": app,
        "Group": app,
        "Slice": slice_name(app),
        "LimitNOFILE": limits["open_files"],
        "LimitNPROC": limits["tasks"],
    }
    return [*directives(own, {}), *directives(PROFILE | {"ReadWritePaths": data}, changes)]


def directives(profile: Mapping[str, Any], changes: Mapping[str, Any]) -> list[str]:
    """The lines of *profile*, with *changes* in the place of its own values."""
    merged = dict(profile)
    for name, value in changes.items():
        merged[name] = [*values(merged.get(name)), *values(value)] if name in ADDED else value
    return [f"{name}={value}" for name, given in merged.items() for value in values(given)]


def values(given: Any) -> Iterator[str]:
    """A directive may be written more than once: each value of a list is a line of its own."""
    for value in given if isinstance(given, list) else [given]:
        if isinstance(value, bool):
            yield "yes" if value else "no"
        elif value is not None:
            yield str(value)
