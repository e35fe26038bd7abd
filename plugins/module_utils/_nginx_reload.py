# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reloads nginx and proves that the reload took: rc 0 of a reload says nothing (DESIGN: changed means applied)."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._nginx_host import Run, started, worker_pids
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_verdict import messages

RECORD = Path("/run/gatehouse-nginx-generation")
PATIENCE = 20.0  # seconds: a reload of a thousand sites takes well under one


class NotApplied(Exception):
    """nginx kept its old configuration; the message has nginx's own words."""


def reload(run: Run, master: int, error_log: str, number: int) -> None:
    """Reload the nginx whose master is *master*, wait for a worker that it has started since, and record *number*.

    Raises NotApplied where none appears within PATIENCE seconds, or where error_log has an [emerg] since.
    """
    before = worker_pids(master)
    log = _main_error_log(master, error_log)
    offset = log.stat().st_size if log.exists() else 0
    rc, out, err = run(["systemctl", "reload", "nginx.service"])
    if rc != 0:
        raise NotApplied(f"'systemctl reload nginx.service' failed: {(err or out).strip()}")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        emergencies = _emergencies(log, offset)
        if emergencies:
            raise NotApplied(f"nginx did not take the new configuration over: {'; '.join(emergencies)}.")
        if worker_pids(master) - before:
            _record(number)
            return
        time.sleep(0.02)
    raise NotApplied(
        f"nginx did not take the new configuration over: "
        f"no new worker process within {PATIENCE:.0f} s of the reload, nothing in {log}."
    )


def is_applied(number: int, link: Path, master: int) -> bool:
    """Whether the running nginx has read generation *number*: recorded so, or started after the link was made."""
    recorded = RECORD.read_text(encoding="utf-8").strip() if RECORD.exists() else None
    return recorded == str(number) or started(master) > os.lstat(link).st_ctime


def _record(number: int) -> None:
    """Keep in /run which generation nginx was last proved to run: after a kill before this, the next run heals."""
    RECORD.write_text(f"{number}\n", encoding="utf-8")


def _main_error_log(master: int, error_log: str) -> Path:
    # The master's standard error is its main error log (ngx_log_redirect_stderr), wherever that is configured.
    target = os.readlink(f"/proc/{master}/fd/2")
    return Path(target if target.startswith("/") and Path(target).is_file() else error_log)


def _emergencies(log: Path, offset: int) -> list[str]:
    if not log.exists():
        return []
    with log.open("rb") as stream:
        stream.seek(offset)
        text = stream.read().decode("utf-8", errors="replace")
    return [line for line in messages(text) if line.startswith("[emerg]")]
