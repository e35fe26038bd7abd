# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of several logs in one form, and the time from which to read them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact, without_tokens
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

MAX_CHARACTERS = 4000  # of a line
# "90", "15min" or "2h 30min": systemd.time(7) wants a sign before a time span that counts from now.
SPAN = re.compile(r"\d+\s*[a-z]*(?:\s+\d+\s*[a-z]+)*")
UNIX_SECONDS = re.compile(r"UNIX seconds: @([\d.]+)")


@dataclass(frozen=True)
class LogLine:
    """One line: its time in seconds since 1970, the kind of log, the unit or site that it is about, and its text."""

    time: float
    source: str
    origin: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """The line for a module's result, with its time as UTC in ISO 8601 format."""
        milliseconds = int(self.time * 1000) % 1000
        moment = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(self.time))}.{milliseconds:03}Z"
        return {"time": moment, "source": self.source, "origin": self.origin, "text": self.text}


def since(run: Run, given: str) -> float:
    """The time that *given* means, in seconds since 1970; raises ValueError if systemd cannot read it."""
    asked = given.strip()
    asked = f"-{asked}" if SPAN.fullmatch(asked) else asked
    code, out, err = run(["systemd-analyze", "timestamp", "--", asked])
    found = UNIX_SECONDS.search(out)
    if code or not found:
        reason = harmless(err.strip()) or "it is not a time"
        raise ValueError(
            f"since: '{given}' cannot be read ({reason}). Write a time span like '2h' or '15min', or a time like "
            "'yesterday' or '2026-01-31 14:00' (systemd.time(7)). Nothing was changed."
        )
    return float(found[1])


def shown(line: LogLine, secrets: Iterable[str]) -> LogLine:
    """The line without secrets, tokens and control characters, and not too long: other programs wrote it."""
    text = without_tokens(redact(line.text[: 2 * MAX_CHARACTERS], secrets))
    return replace(line, origin=harmless(line.origin), text=harmless(text, keep="\t")[:MAX_CHARACTERS])
