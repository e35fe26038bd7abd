# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many files nginx may open while it reads a configuration: each site has an access log.

A service gets 1,024 from systemd and may raise that by itself (systemd.exec(5), LimitNOFILE=), which nginx does for its
workers only (worker_rlimit_nofile). In a reload its master has the logs of the old and of the new configuration open:
with 1,000 sites each reload was refused, "[emerg] open() ... failed (24: Too many open files)".
"""

from __future__ import annotations

import contextlib
import resource

OWN_PROCESS = 0


def raise_file_limit(pid: int = OWN_PROCESS) -> None:
    """Let the process *pid* open as many files as its hard limit allows; what it starts inherits that (prlimit(2))."""
    with contextlib.suppress(OSError, ValueError):
        _soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
