# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads which processes the kernel or systemd-oomd(8) killed for lack of memory, or the kernel did not let start."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._core import journal
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._core.unit_end import KERNEL_KILL, OOMD_KILL

# The future is of a clock that was wrong.
LAST_HOUR = ("--since=-1h", "--until=now")
KERNEL, OOMD = "The kernel", "systemd-oomd"
# Who has killed, by the message that systemd logs of the unit.
KILLERS = {KERNEL_KILL: KERNEL, OOMD_KILL: OOMD}
PATTERN = "oom-kill:|fork rejected"
LINE = re.compile(r"(\d+)\.\d+ \S+ kernel: (.*)")
# Written by dump_oom_victim() of mm/oom_kill.c and pids_can_fork() of kernel/cgroup/pids.c. A process chooses its own
# name, so the expression takes the numbers from the end of the line.
KILLED = re.compile(
    r"oom-kill:constraint=(\w+),(?:.*,oom_memcg=(?P<limit>.*))?.*,task_memcg=(?P<group>.*),task=(?P<name>.*)"
    r",pid=(?P<pid>\d+),uid=(?P<uid>\d+)$"
)
REJECTED = re.compile(r"cgroup: fork rejected by pids controller in (?P<group>/.*)$")


@dataclass(frozen=True)
class Event:
    """A killed process; *limit* is the control group that had no memory left, empty for the whole host."""

    time: int
    group: str
    limit: str = ""
    name: str = ""
    pid: int = 0
    uid: int = -1
    # The kernel killed no process, but refused to start one.
    is_fork: bool = False

    @property
    def unit(self) -> str:
        """The unit that the control group belongs to."""
        return os.path.basename(self.group)


def recent(run: Run) -> list[Event]:
    """The kernel's events of the last hour."""
    # Only the kernel's own lines: an app can write anything else into the journal.
    return list(parse(journal.read(run, ["--dmesg", "--output=short-unix", *LAST_HOUR, f"--grep={PATTERN}"])))


def killed_units(run: Run) -> Mapping[str, str]:
    """The units of which systemd logged in the last hour that processes were killed, and who killed them last."""
    matches = [*(f"MESSAGE_ID={one}" for one in KILLERS), journal.BY_SYSTEMD]
    text = journal.read(run, [*LAST_HOUR, "--output=json", "--output-fields=UNIT,MESSAGE_ID", *matches])
    found = {}
    for line in text.splitlines():
        with suppress(ValueError, KeyError, TypeError):
            entry = json.loads(line)
            found[str(entry["UNIT"])] = KILLERS[entry["MESSAGE_ID"]]
    return found


def parse(text: str) -> Iterator[Event]:
    """The events in lines of the journal."""
    for line in text.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        at, text = int(match[1]), match[2]
        if killed := KILLED.match(text):
            limit = killed["limit"] or ""
            numbers = int(killed["pid"]), int(killed["uid"])
            yield Event(at, killed["group"], limit, killed["name"], *numbers)
        elif rejected := REJECTED.match(text):
            yield Event(at, rejected["group"], is_fork=True)
