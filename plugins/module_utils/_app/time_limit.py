# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run code of a project in a transient unit, and end it if it takes too long.

A deployment holds the lock of its app. Without a limit, a command that waits for an answer or for input would block the
app until an operator notices.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import systemd_run

LIMIT_SECONDS = 3600


def attempt(
    tools: Tools,
    properties: Sequence[str],
    unit: str,
    program: Sequence[str],
    *,
    data: str | None = None,
    is_limited: bool = True,
) -> tuple[int, str, str]:
    """Run *program* in *unit* with *properties*; return exit code, standard output and standard error.

    *data* is the standard input. systemd stops the unit after LIMIT_SECONDS; then standard error has all output, and a
    sentence about it at its end.
    """
    limit = [f"RuntimeMaxSec={LIMIT_SECONDS}"] if is_limited else []
    began = time.monotonic()
    code, out, err = tools.attempt([*systemd_run([*properties, *limit], unit), *program], data=data)
    # systemd-run ends with the same code for other reasons. A command that ends by itself ends before the limit.
    if is_limited and code != 0 and time.monotonic() - began >= LIMIT_SECONDS:
        # Some callers show only the standard error.
        out, err = "", "\n".join(filter(None, [out.rstrip(), err.rstrip(), sentence()]))
    return code, out, err


def sentence() -> str:
    """Return the sentence about a command that systemd stopped."""
    return (
        f"It had not finished after {LIMIT_SECONDS} s, the limit for each command of a deployment, and was stopped. "
        "Look for what it waits for: input, a lock, or a server that does not answer. Work that takes longer belongs "
        "in a process or a timer of the app."
    )
