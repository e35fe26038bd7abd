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


def end(run: Run) -> list[str]:
    """The option that makes `read` start at the present end of the journal. A time would depend on the clock."""
    cursor = read(run, ["--lines=0", "--show-cursor"]).partition("-- cursor: ")[2].strip()
    return [f"--after-cursor={cursor}"] if cursor else []
