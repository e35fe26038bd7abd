# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read what nginx has logged as [alert] and [crit] since its start: no space, no files, a worker that died.

nginx goes on after these lines, and an operator sees only that some requests fail.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import journal
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import started, worker_pids

TAIL_BYTES = 1024 * 1024
MOST = 5  # different messages
LONGEST = 300  # characters
# When summer time ends, the times of one hour occur twice: mktime(3) may take the wrong one.
AMBIGUOUS_SECONDS = 3600
LINE = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (\[(?:alert|crit)\]) (\d+)#\d+: (?:\*\d+ )?(.*)")
# A message about one request ends with the request. Which paths and queries it has is no matter of the host.
REQUEST = re.compile(r", client: ")
# During a reload a worker reports what worker_shutdown_timeout ends (ngx_worker_process_exit).
EXPECTED = re.compile(r"open socket #\d+ left in connection|aborting$")


@dataclass(frozen=True)
class Known:
    """A message whose meaning is known."""

    pattern: re.Pattern[str]
    meaning: str
    remedy: str
    # Whether the message is about the limits of a worker. A worker that a reload has replaced does not count.
    is_limit: bool = False


KNOWN = (
    Known(
        re.compile(r"setrlimit\(RLIMIT_NOFILE"),
        "this host does not give nginx's workers the open files that nginx.conf asks for, and they keep a lower limit",
        "Run the role gatehouse.django.nginx, which fits the limits, or lower worker_rlimit_nofile in an nginx.conf of "
        "your own",
        is_limit=True,
    ),
    Known(
        re.compile(r"\(24: Too many open files\)"),
        "a worker of nginx had as many files and connections open as it may have, so requests failed",
        "Give nginx more: LimitNOFILE= of nginx.service, and the limit of the container that the host may be",
        is_limit=True,
    ),
    Known(
        re.compile(r"worker_connections are not enough"),
        "all connections of a worker were in use, so nginx closed connections of visitors",
        "Set nginx_worker_connections to a higher number, and find out from the access logs who holds the connections",
        is_limit=True,
    ),
    Known(
        re.compile(r"\(23: Too many open files in system\)"),
        "the whole host had no file left to open",
        "Raise fs.file-max (sysctl.d(5)), and find the process that has so many files open",
    ),
    Known(
        re.compile(r"\((?:28: No space left on device|122: Disk quota exceeded)\)"),
        "a file system was full: uploads and large responses fail, and access logs have gaps",
        "Free space: `df --human-readable` and `df --inodes`",
    ),
    Known(
        re.compile(r"\(30: Read-only file system\)"),
        "nginx could not write to a read-only file system",
        "Find out why it is read-only: `journalctl --dmesg`",
    ),
    Known(
        re.compile(r"exited on signal \d+"),
        "a process of nginx crashed or was killed, and all its connections broke off",
        "Find out why: `journalctl --dmesg` names processes that the kernel killed for lack of memory, and a module "
        "can crash nginx",
    ),
    Known(
        re.compile(r"\(12: Cannot allocate memory\)"),
        "nginx got no memory",
        "Give the host more memory, or let its processes use less",
    ),
    Known(
        re.compile(r"ngx_slab_alloc\(\) failed|could not allocate (?:node|new session)"),
        "a shared memory zone of nginx is full",
        "Make the zone that the message names larger",
    ),
)


@dataclass(frozen=True)
class Alert:
    """A message of nginx, without its numbers the same as *count* others; *time* is when it was logged last."""

    time: float
    text: str
    count: int
    known: Known | None

    def described(self) -> str:
        """The message and its meaning, in a sentence without a full stop."""
        at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.time))
        often = f"{self.count} times, last at {at}" if self.count > 1 else f"at {at}"
        meaning = f": {self.known.meaning}" if self.known else ""
        return f"nginx logged '{self.text}' ({often}){meaning}"


def recent(run: Run, master: int, error_log: str, seconds: float) -> list[Alert]:
    """The messages of the last *seconds* since the start of *master*, the newest first."""
    # The log's times are full seconds.
    now = time.time()
    since = int(max(started(master), now - seconds))
    return collect(_newest_first(run, master, error_log, since), since, now, {master, *worker_pids(master)})


def log_file(master: int, error_log: str) -> Path | None:
    """nginx's main error log, None if it is not a file.

    It is the master's standard error, wherever it is configured (ngx_log_redirect_stderr).
    """
    return next((path for path in (Path(f"/proc/{master}/fd/2").resolve(), Path(error_log)) if path.is_file()), None)


def collect(newest_first: Iterable[str], since: float, now: float, present: set[int]) -> list[Alert]:
    """The messages from *since* to *now* in these lines of the log.

    *present* are the processes that run with the live configuration.
    """
    found: dict[str, Alert] = {}
    for line in newest_first:
        match = LINE.match(line)
        if not match:
            continue
        try:
            moment = time.mktime(time.strptime(match[1], "%Y/%m/%d %H:%M:%S"))
        except (ValueError, OverflowError):
            continue
        if moment < since:
            break
        # A clock that was wrong: this would count as recent until the clock gets there.
        if moment > now + AMBIGUOUS_SECONDS:
            continue
        text = f"{match[2]} {REQUEST.split(match[4], maxsplit=1)[0]}"
        known = next((one for one in KNOWN if one.pattern.search(text)), None)
        # The causes of the doctor explain a failed request, and a failed handshake is the client's matter.
        if (known is None and (REQUEST.search(match[4]) or EXPECTED.search(text))) or (
            known and known.is_limit and int(match[3]) not in present
        ):
            continue
        key = re.sub(r"\d+", "0", text) if known is None else known.meaning
        last = found.get(key, Alert(moment, harmless(text[:LONGEST]), 0, known))
        found[key] = Alert(last.time, last.text, last.count + 1, known)
    return sorted(found.values(), key=lambda one: one.time, reverse=True)[:MOST]


def _newest_first(run: Run, master: int, error_log: str, since: float) -> Iterator[str]:
    """The lines of the log's end; from the file that logrotate(8) made of it last, if it is that recent."""
    log = log_file(master, error_log)
    if log is None:
        options = ["--output=cat", "--unit=nginx.service", "--lines=5000", f"--since=@{int(since)}"]
        yield from reversed(journal.read(run, options).splitlines())
        return
    for path in (str(log), f"{log}.1"):
        try:
            if os.stat(path).st_mtime < since:
                return
            with open(path, "rb") as stream:
                stream.seek(max(0, os.fstat(stream.fileno()).st_size - TAIL_BYTES))
                yield from reversed(stream.read(TAIL_BYTES).decode("utf-8", errors="replace").splitlines())
        except OSError:
            return
