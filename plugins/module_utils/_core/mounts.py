# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file systems that this process sees mounted."""

from __future__ import annotations

import re

TABLE = "/proc/self/mountinfo"
# How the kernel writes white space and backslashes (proc_pid_mountinfo(5)).
ESCAPED = re.compile(r"\\([0-7]{3})")


def mounted(table: str = TABLE) -> dict[str, list[str]]:
    """Return the options of each mount point, in the order of the *table*; of several at one place the last one's."""
    with open(table, encoding="utf-8", errors="surrogateescape") as file:
        lines = [fields for line in file if len(fields := line.split(" ")) > 5]
    return {ESCAPED.sub(lambda code: chr(int(code[1], 8)), fields[4]): fields[5].split(",") for fields in lines}


def below(directory: str, table: str = TABLE) -> dict[str, list[str]]:
    """Return the mount points at and below *directory* with their options, the outer ones first."""
    return {
        point: options for point, options in sorted(mounted(table).items()) if f"{point}/".startswith(f"{directory}/")
    }
