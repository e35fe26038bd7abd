# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse TOML of a stranger: tomllib needs time and memory by the square of the parts of a key (`a.a.a = 1`)."""

from __future__ import annotations

import tomllib

# A file of 40 KB with one key of 20,000 parts takes 1.6 GB. This much takes about a second.
MAX_STEPS = 10_000_000


def loads(text: str) -> dict[str, object]:
    """Return the content of a TOML document; raise ValueError if it is not valid or too expensive to parse."""
    lines = text.split("\n")
    # A key is on one line, and has one part more than dots. Each key below a table's header repeats that.
    deepest = max((line.count(".") for line in lines if line.lstrip().startswith("[")), default=0)
    if sum(line.count(".") ** 2 for line in lines) + deepest * len(lines) > MAX_STEPS:
        raise ValueError("it has lines with thousands of dots: write long arrays on several lines")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("its values are nested too deeply") from error
