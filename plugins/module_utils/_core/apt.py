# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install Debian packages with apt-get.

The module ansible.builtin.apt gets a proxy only from the environment of its task, which Ansible writes into a command
line: all users of the host and each log of a verbose run would see the proxy's password.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

RunCommand = Callable[..., tuple[int, str, str]]
LISTS = "/var/lib/apt/lists"
# apt's own timer writes this one; a run that finds nothing new does not change the directory.
STAMP = "/var/lib/apt/periodic/update-success-stamp"
# deb-substvars(5): the state and the name of a package, and the virtual packages that it provides.
FORMAT = "${db:Status-Status}|${Package}|${Provides}\n"
LOCK_TIMEOUT_SECONDS = 300  # unattended-upgrades can be running
INSTALL = (
    *("apt-get", "install", "--yes", "--no-install-recommends", "-o", f"DPkg::Lock::Timeout={LOCK_TIMEOUT_SECONDS}"),
    # Keep configuration files that the operator has changed.
    *("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"),
)
VARIABLES = {"DEBIAN_FRONTEND": "noninteractive", "DEBIAN_PRIORITY": "critical", "LC_ALL": "C.UTF-8"}
# A mirror deletes the packages of old lists.
OUTDATED = re.compile(r"404 +Not Found|Unable to locate package|has no installation candidate|Hash Sum mismatch")
LOCKED = re.compile(r"Could not get lock|Unable to lock")


class AptError(Exception):
    """apt-get failed; the text is its own."""


def missing(run: RunCommand, names: Iterable[str]) -> list[str]:
    """Return those of *names* that are not installed and that no installed package provides."""
    code, out, err = run(["dpkg-query", "--show", f"--showformat={FORMAT}"])
    if code != 0:
        raise AptError(f"dpkg-query failed ({code}): {err or out}")
    known = set()
    for line in out.splitlines():
        state, name, provided = line.split("|", 2)
        if state == "installed":
            known |= {name, *(one.split()[0] for one in provided.split(",") if one.strip())}
    return [name for name in dict.fromkeys(names) if name not in known]


def install(
    run: RunCommand, names: Sequence[str], proxy: Mapping[str, str], max_age: float, now: float | None = None
) -> None:
    """Install *names*; update the package lists first if they are older than *max_age* seconds, or if apt needs it.

    *proxy* has the variables of a proxy. Raise AptError if apt-get fails.
    """
    updated = ""
    # Lists of the future are of a clock that was wrong: their age is unknown.
    is_old = not 0 <= (now or time.time()) - last_update() <= max_age
    if is_old:
        updated = _update(run, proxy)
    code, out, err = run([*INSTALL, *names], environ_update={**VARIABLES, **proxy})
    if code != 0 and not is_old and OUTDATED.search(out + err):
        updated = _update(run, proxy)
        code, out, err = run([*INSTALL, *names], environ_update={**VARIABLES, **proxy})
    if code != 0:
        raise AptError("\n".join(text for text in (updated, err.strip() or out.strip()) if text))


def last_update() -> float:
    """Return the time of the last update of the package lists in seconds since 1970, 0 without lists."""
    try:
        if not any("_Packages" in name for name in os.listdir(LISTS)):
            return 0.0
        return max(os.stat(path).st_mtime for path in (LISTS, STAMP) if os.path.exists(path))
    except OSError:
        return 0.0


def _update(run: RunCommand, proxy: Mapping[str, str]) -> str:
    """Update the package lists and return the warnings: apt-get install may succeed with the old lists."""
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        _code, _out, err = run(["apt-get", "update", "--quiet"], environ_update={**VARIABLES, **proxy})
        # DPkg::Lock::Timeout does not apply to the lock of the lists.
        if not LOCKED.search(err) or time.monotonic() > deadline:
            return err.strip()
        time.sleep(1)
