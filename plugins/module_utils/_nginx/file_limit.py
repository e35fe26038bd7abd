# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Raise the number of files that nginx may open while it reads a configuration: each site has an access log.

systemd limits a service to 1,024 open files, and the service may raise that itself (systemd.exec(5), LimitNOFILE=).
nginx does so only for its workers (worker_rlimit_nofile). During a reload the master has the logs of the old and the
new configuration open. With 1,000 sites each reload failed: "[emerg] open() ... failed (24: Too many open files)".
"""

from __future__ import annotations

import contextlib
import resource

OWN_PROCESS = 0


def raise_file_limit(pid: int = OWN_PROCESS) -> None:
    """Raise the soft limit of the process *pid* to its hard limit; its children inherit that (prlimit(2))."""
    with contextlib.suppress(OSError, ValueError):
        _soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
