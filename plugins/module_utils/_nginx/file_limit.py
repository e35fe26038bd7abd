# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many files nginx may have open: what the host gives, and the limit of the running master.

systemd limits a service to 1,024 open files, and the service may raise that itself (systemd.exec(5), LimitNOFILE=).
nginx does so only for its workers (worker_rlimit_nofile). During a reload the master has the logs of the old and the
new configuration open. With 1,000 sites each reload failed: "[emerg] open() ... failed (24: Too many open files)".
A limit above the host's changes nothing: systemd lowers LimitNOFILE= to the hard limit of its own process
(setrlimit_closest() in systemd's source), and nginx keeps the limit that it inherits and logs an [alert].
"""

from __future__ import annotations

import contextlib
import re
import resource
from collections.abc import Callable
from pathlib import Path

OWN_PROCESS = 0
# LimitNOFILE= of nginx.service (roles/nginx/files/gatehouse.conf).
UNIT_LIMIT = 524288


def available(find_master: Callable[[], int | None]) -> int:
    """The number of files that each worker of nginx can have open on this host.

    *find_master* returns the process id of nginx's master, None if nginx is not running. A host that lets root raise a
    hard limit allows each process fs.nr_open. Another host, such as a container without CAP_SYS_RESOURCE, allows what
    nginx has, or what systemd can give it (setrlimit(2), proc_sys_fs(5)).
    """
    if _may_raise():
        return int(Path("/proc/sys/fs/nr_open").read_text(encoding="ascii"))
    master = find_master()
    return _hard_limit(master) if master else min(_hard_limit(1), UNIT_LIMIT)


def _may_raise() -> bool:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard + 1))
    except (OSError, ValueError):
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return True


def _hard_limit(pid: int) -> int:
    """The hard limit of the process *pid*; of this process if the kernel does not show the other's."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
        if found := re.search(r"^Max open files +\d+ +(\d+)", text, re.MULTILINE):
            return int(found[1])
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def raise_file_limit(pid: int = OWN_PROCESS) -> None:
    """Raise the soft limit of the process *pid* to its hard limit; its children inherit that (prlimit(2))."""
    with contextlib.suppress(OSError, ValueError):
        _soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
