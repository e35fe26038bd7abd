# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the log files that an application writes itself.

The application chooses the paths, so a process with the rights of its user reads them: root would read any file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd, tracebacks
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import SYSTEM_PYTHON
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

SECONDS = 10
TAIL_BYTES = 64 * 1024
MAX_FILES = 8
# cgroup2, and the tree of systemd beside version 1.
CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")
# The ends of the files that processes have open for appending and have written to.
PROGRAM = """
import json, os, sys
given = json.load(sys.stdin)
found = {}
for pid in given["pids"]:
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        continue
    for name in names:
        link = f"/proc/{pid}/fd/{name}"
        try:
            path, flags = os.readlink(link), 0
            with open(f"/proc/{pid}/fdinfo/{name}") as info:
                flags = int(info.read().partition("flags:")[2].split()[0], 8)
            state = os.stat(link)
            # Regular files that are open for writing at their end.
            if not path.startswith("/") or not flags & os.O_APPEND or state.st_mode >> 12 != 8:
                continue
            if state.st_mtime < given["since"] - 1 or path in found or len(found) >= given["files"]:
                continue
            # By its descriptor: the process may see another tree of files.
            with open(link, "rb") as file:
                file.seek(max(0, state.st_size - given["bytes"]))
                found[path] = file.read(given["bytes"]).decode("utf-8", "replace")
        except (OSError, ValueError, IndexError):
            continue
print(json.dumps(found))
"""


def last_error(visit: Visit) -> tuple[str, str]:
    """A log file that the application has written to since the visits began, and its last exception; else empty."""
    for path, text in _tails(visit).items():
        words = evidence.last_error(visit, _recent(text))
        if words:
            return path, words
    return "", ""


def _recent(text: str) -> Sequence[str]:
    return [line[: evidence.MAX_LENGTH] for line in tracebacks.lines_of(text)[-evidence.MAX_LINES :] if line.strip()]


def _tails(visit: Visit) -> dict[str, str]:
    unit = evidence.unit(visit)
    pids = _pids(visit.host.run, unit) if unit and visit.started else []
    owner = _owner(pids)
    if owner is None:
        return {}
    given = {"pids": pids, "since": visit.started, "files": MAX_FILES, "bytes": TAIL_BYTES}
    rights = ["setpriv", f"--reuid={owner[0]}", f"--regid={owner[1]}", "--clear-groups", "--no-new-privs", "--"]
    command = ["timeout", str(SECONDS), *rights, SYSTEM_PYTHON, "-I", "-c", PROGRAM]
    code, out, _err = visit.host.run(command, data=json.dumps(given).encode(), binary_data=True)
    try:
        answer = json.loads(out) if code == 0 else {}
    except (ValueError, RecursionError):
        return {}
    return {str(path): str(text) for path, text in answer.items()} if isinstance(answer, dict) else {}


def _pids(run: Run, unit: str) -> list[int]:
    """The processes of the unit."""
    group = systemd.show_all(run, [unit], "ControlGroup").get(unit, {}).get("ControlGroup", "")
    for top in CGROUPS if group else ():
        try:
            with open(f"{top}{group}/cgroup.procs", encoding="ascii") as file:
                return [int(word) for word in file.read(65536).split()]
        except (OSError, ValueError):
            continue
    return []


def _owner(pids: Sequence[int]) -> tuple[int, int] | None:
    """User and group of the last process that still runs, which is a worker; None without one."""
    for pid in reversed(pids):
        try:
            entry = os.stat(f"/proc/{pid}")
        except OSError:
            continue
        return entry.st_uid, entry.st_gid
    return None
