# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say what ended a command in a transient unit, where the exit code of systemd-run does not.

systemd-run --wait ends with 1 if the kernel killed the command for lack of memory, and with 255 for any signal
(src/run/run.c of systemd), each time without a message.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._core import journal

RunCommand = Callable[..., tuple[int, str, str]]
# sd-messages.h: SD_MESSAGE_UNIT_OUT_OF_MEMORY, and SD_MESSAGE_UNIT_OOMD_KILL for systemd-oomd(8).
KERNEL_KILL, OOMD_KILL = "fe6faa94e7774663a0da52717891d8ef", "d989611b15e44c9dbf31e3c81256e4ed"
FIELDS = "MESSAGE_ID,UNIT_RESULT,EXIT_CODE,EXIT_STATUS"
# A shell ends with 128 + the signal that ended its command.
KILLED_IN_SHELL = 128 + signal.SIGKILL
LINES = "--lines=20"


def explain(run: RunCommand, unit: str, code: int, since: float, remedy: str) -> str:
    """Return a sentence with what ended the command in *unit*; empty if the command ended by itself.

    *code* is the exit code of systemd-run, and *since* the value of time.monotonic() before it was started. *remedy*
    completes the sentence about a lack of memory.
    """
    if code == 0:
        return ""
    if code < 0:
        # The kernel can kill the process that waits as well. The unit goes on.
        return f"systemd-run, which waited for the command: {explain_signal(code)}"
    entries = _entries(run, unit, since)
    results = {entry.get("UNIT_RESULT") for entry in entries}
    if "oom-kill" in results or any(entry.get("MESSAGE_ID") in (KERNEL_KILL, OOMD_KILL) for entry in entries):
        return f"It was killed for lack of memory (oom-kill). {remedy}"
    if ended := explain_signal(code, remedy):
        return ended
    return explain_signal(-_signal(entries), remedy)


def explain_signal(code: int, remedy: str = "") -> str:
    """Return a sentence with the signal that ended a process with *code*, as run_bounded() or a shell returns it."""
    number = signal.SIGKILL if code == KILLED_IN_SHELL else -code
    return f"{_name(number)} ended it. {_of_memory(number, remedy)}".rstrip() if number > 0 else ""


def _entries(run: RunCommand, unit: str, since: float) -> list[Mapping[str, str]]:
    """What systemd itself logged about *unit* after *since*."""
    run(["journalctl", "--quiet", "--sync"])
    chosen = [LINES, f"--output-fields={FIELDS}", f"UNIT={unit}", journal.BY_SYSTEMD]
    return journal.entries(run, chosen, since)


def _signal(entries: Sequence[Mapping[str, str]]) -> int:
    """The number of the signal that ended the main process, 0 for none."""
    for entry in entries:
        if entry.get("EXIT_CODE") in ("killed", "dumped") and entry.get("EXIT_STATUS", "").isdecimal():
            return int(entry["EXIT_STATUS"])
    return 0


def _of_memory(number: int, remedy: str) -> str:
    if number != signal.SIGKILL:
        return ""
    return f"The kernel does that when memory runs out; 'journalctl --dmesg --grep=oom-kill' shows it then. {remedy}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"Signal {number}"
