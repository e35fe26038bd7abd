# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reload nginx and prove that it applied the configuration: the exit code 0 of a reload does not prove that."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import journal
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import SERVED_CERTIFICATES, SERVED_GENERATION
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.alerts import log_file
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import (
    started,
    started_since_boot,
    worker_pids,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.validate import messages

GENERATION_RECORD = Path(SERVED_GENERATION)
CERTIFICATES_RECORD = Path(SERVED_CERTIFICATES)
RELOAD_TIMEOUT_SECONDS = 20.0  # a reload of a thousand sites takes less than one second
EMERGENCY_GRACE_SECONDS = 1.5
CLOCK_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")  # the kernel's start times are rounded down to it
WORKER_GRACE_SECONDS = 2.0  # nginx signals its old workers 0.1 s after it has started the new ones


class NotApplied(Exception):
    """nginx kept its old configuration; ``messages`` are nginx's error messages."""

    def __init__(self, text: str, messages: list[str] | None = None) -> None:
        super().__init__(text)
        self.messages = messages or []


def reload(run: Run, master: int, error_log: str) -> None:
    """Reload the nginx whose master is *master*, and wait until it has started a new worker.

    A worker that started before the request is not new, also if it was not yet known as a worker then.
    Old workers accept connections with the old configuration until nginx signals them, so wait for them as well, up to
    WORKER_GRACE_SECONDS. Raises NotApplied if no new worker appears within RELOAD_TIMEOUT_SECONDS, or within
    EMERGENCY_GRACE_SECONDS after nginx has logged an [emerg]. The message alone proves nothing: nginx logs the decoded
    path of a request with its line breaks, so a client can write a whole line into the log.
    """
    before = worker_pids(master)
    new_messages = _error_log_reader(run, master, error_log)
    requested = time.clock_gettime(time.CLOCK_BOOTTIME)
    request_reload(run)
    deadline = time.monotonic() + RELOAD_TIMEOUT_SECONDS
    emergencies: list[str] = []
    while not any(started_since_boot(pid) + CLOCK_TICK_SECONDS > requested for pid in worker_pids(master) - before):
        if not emergencies and (emergencies := _fatal_messages(new_messages())):
            deadline = min(deadline, time.monotonic() + EMERGENCY_GRACE_SECONDS)
        if time.monotonic() > deadline:
            raise _not_applied(emergencies, error_log)
        time.sleep(0.02)
    grace_deadline = time.monotonic() + WORKER_GRACE_SECONDS
    while worker_pids(master) & before and time.monotonic() < grace_deadline:
        time.sleep(0.02)


def _not_applied(emergencies: list[str], error_log: str) -> NotApplied:
    if emergencies:
        return NotApplied(f"nginx did not apply the new configuration: {'; '.join(emergencies)}.", emergencies)
    return NotApplied(
        "nginx did not apply the new configuration: "
        f"no new worker process started within {RELOAD_TIMEOUT_SECONDS:.0f} s of the reload, "
        "and its error log gives no reason."
        f"{_full_disk_hint(error_log)}"
    )


def request_reload(run: Run) -> None:
    """Tell systemd to reload nginx; raises NotApplied if that fails."""
    began = time.monotonic()
    rc, out, err = run(["systemctl", "reload", "nginx.service"])
    if rc != 0:
        reason = (err or out).strip().rstrip(".")
        if "Job for nginx.service failed" in reason:
            reason = _reason_of_job(run, began) or reason
        remedy = " Remove the mask: 'systemctl unmask nginx.service'." if "is masked" in reason else ""
        raise NotApplied(f"'systemctl reload nginx.service' failed: {reason}.{remedy}")


def _reason_of_job(run: Run, began: float) -> str:
    """The first line of the journal about nginx's unit since *began*: systemctl only names the command to read it."""
    chosen = ["--unit=nginx.service", "--lines=100", "--output-fields=MESSAGE"]
    # A message that is not UTF-8 is a list of bytes.
    lines = [str(entry.get("MESSAGE", "")) for entry in journal.entries(run, chosen, began)]
    return next((line.strip().rstrip(".") for line in lines if "fail" in line.lower() or "[emerg]" in line), "")


def _fatal_messages(lines: list[str]) -> list[str]:
    """The messages after which nginx gives up. It tries five times to bind a port that is in use (ngx_connection.c)."""
    emergencies = [line for line in lines if line.startswith("[emerg]")]
    still_trying = all(line.startswith("[emerg] bind() to ") for line in emergencies)
    return [] if still_trying else emergencies


def applied_generation(conf_dir: str, master: int) -> int:
    """The number of the generation that the running nginx has read, 0 if there is none or it is unknown.

    It is the recorded one, unless nginx started after the link was created.
    """
    link = generation.link(conf_dir)
    live = generation.live_number(conf_dir)
    recorded, recorded_at = _read_record(GENERATION_RECORD)
    if live and _is_newer(master, [link], recorded_at):
        return live
    return int(recorded) if recorded.isdecimal() else 0


def _is_newer(master: int, paths: Iterable[Path], recorded_at: float | None) -> bool:
    """Whether *master* started after *paths* were installed.

    The comparison of the two times fails if the clock was set in between. So the master must also have started after
    the last record, which is written right before each switch: *recorded_at* is in seconds since the boot, None if
    nothing was recorded.
    """
    if recorded_at is not None and started_since_boot(master) <= recorded_at:
        return False
    start = started(master)
    return all(start > os.lstat(path).st_ctime for path in paths)


def record(number: int) -> None:
    """Record in /run the generation that nginx has read. If a run is killed before this, the next run reloads nginx."""
    _write_record(GENERATION_RECORD, str(number))


def has_read_certificates(master: int, paths: list[Path], digest: str) -> bool:
    """Whether the running nginx has read the certificates in *paths*, whose current digest is *digest*.

    A renewed certificate keeps its path, so the generation does not change. The digest is recorded instead. It is not
    needed if nginx started after the certificates were installed.
    """
    recorded, recorded_at = _read_record(CERTIFICATES_RECORD)
    if not digest or recorded == digest:
        return True
    return _is_newer(master, (path for path in paths if path.exists()), recorded_at)


def record_certificates(digest: str) -> None:
    """Record in /run the digest of the certificates that nginx has read."""
    if digest or CERTIFICATES_RECORD.exists():
        _write_record(CERTIFICATES_RECORD, digest)


def _write_record(path: Path, text: str) -> None:
    """Write a record and its time. Without it the next run reloads nginx again."""
    try:
        path.write_text(f"{text}\n{time.clock_gettime(time.CLOCK_BOOTTIME):.3f}\n", encoding="ascii")
    except OSError as error:
        # write(2) names no file.
        raise OSError(error.errno, error.strerror, str(path)) from error


def _full_disk_hint(error_log: str) -> str:
    """A sentence if the file system of the error log is full, else an empty text."""
    directory = os.path.dirname(error_log)
    if not os.path.isdir(directory) or os.statvfs(directory).f_bavail:
        return ""
    return f" The file system of {directory} is full: free space and run this again."


def _read_record(path: Path) -> tuple[str, float | None]:
    """Read a record and its time, in seconds since the boot; an older Gatehouse recorded no time.

    A record that cannot be read is empty, and the next run reloads nginx.
    """
    try:
        text, *recorded_at = path.read_text(encoding="ascii", errors="replace").splitlines()
        return text, float(recorded_at[0]) if recorded_at else None
    except (OSError, ValueError):
        return "", None


def _error_log_reader(run: Run, master: int, error_log: str) -> Callable[[], list[str]]:
    """Return a function that reads the messages of *master* in nginx's main error log from now on."""
    # If the log is not a file, read systemd's journal.
    log = log_file(master, error_log)
    offset = log.stat().st_size if log else 0
    start = journal.end(run) if log is None else ""
    # ngx_log_error_core(): time, level, process and thread. Workers write into the same file.
    own = re.compile(rf"\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] {master}#")

    def new_messages() -> list[str]:
        if log is None:
            return messages(journal.read_after(run, start, [f"_PID={master}"]))
        with log.open("rb") as stream:
            stream.seek(offset)
            lines = stream.read().decode("utf-8", errors="replace").split("\n")
        return messages("\n".join(line for line in lines if own.match(line)))

    return new_messages
