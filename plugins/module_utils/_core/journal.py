# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read systemd's journal (journalctl(1))."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

Run = Callable[[list[str]], tuple[int, str, str]]

# Every process can write UNIT= into the journal, but only systemd has this process id.
BY_SYSTEMD = "_PID=1"


def read(run: Run, options: Sequence[str]) -> str:
    """The lines of the journal that match *options*."""
    return run(["journalctl", "--quiet", "--no-pager", *options])[1]


def entries(run: Run, options: Sequence[str], since: float) -> list[Mapping[str, str]]:
    """The fields of the entries that match *options* and are newer than *since*, a value of time.monotonic().

    The time of day would depend on the clock of the host.
    """
    found = []
    for line in read(run, ["--boot", "--output=json", *options]).splitlines():
        with suppress(ValueError, KeyError, TypeError):
            entry = json.loads(line)
            if float(entry["__MONOTONIC_TIMESTAMP"]) / 1e6 >= since:
                found.append(entry)
    return found


def end(run: Run) -> str:
    """The cursor of the last entry, for `read_after`; empty if there is none. A time would depend on the clock."""
    return read(run, ["--lines=0", "--show-cursor"]).partition("-- cursor: ")[2].strip()


def read_after(run: Run, cursor: str, options: Sequence[str]) -> str:
    """The messages that match *options* and are newer than the entry at *cursor*; all that match if it is empty.

    Not --after-cursor: with systemd 252 it leaves out the first entry if the one at the cursor does not match.
    """
    start = [f"--cursor={cursor}"] if cursor else []
    # --all: a longer message than 4,096 bytes would be null.
    lines = read(run, ["--all", "--output=json", "--output-fields=MESSAGE", *start, *options]).splitlines()
    newer = [entry for entry in map(json.loads, lines) if entry["__CURSOR"] != cursor]
    return "".join(f"{_message(entry)}\n" for entry in newer)


def _message(entry: Mapping[str, object]) -> str:
    """The message of an entry. journalctl writes one with bytes that are not printable as a list of numbers."""
    message = entry.get("MESSAGE", "")
    if isinstance(message, list) and all(isinstance(byte, int) for byte in message):
        return bytes(message).decode("utf-8", errors="replace")
    return str(message)
