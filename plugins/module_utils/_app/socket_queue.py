# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that wait in the queues of sockets until a web process accepts them.

They are reset if the processes of a release and its socket end before. After the switch no new one comes: connect(2)
resolves the path of the socket and enters the queue in one step.
"""

from __future__ import annotations

import shutil
import time

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools

POLL_SECONDS = 0.05
# From accept(2) until gunicorn reads the request. When it stops, gunicorn 23.0 closes accepted connections of which it
# has read nothing (workers/gthread.py, run).
READ_SECONDS = 0.2
# How long to wait if ss(8) is missing.
UNKNOWN_SECONDS = 1.0


def wait_until_empty(tools: Tools, app: App, current: str, *, since: float, limit: float) -> None:
    """Wait until no connection waits for another release of *app* than *current*.

    *since* is the moment of the switch (time.monotonic()). Give up *limit* seconds after it: the old release may hang.
    """
    while (count := waiting(tools, app, current)) and time.monotonic() < since + limit:
        time.sleep(POLL_SECONDS)
    rest = since + UNKNOWN_SECONDS - time.monotonic() if count is None else READ_SECONDS
    time.sleep(max(0.0, rest))


def waiting(tools: Tools, app: App, current: str) -> int | None:
    """Return how many connections wait for other releases of *app* than *current*, None if ss(8) cannot tell.

    Recv-Q of a listening socket is the length of its queue (ss(8), unix_diag: UNIX_DIAG_RQLEN).
    """
    if not shutil.which("ss"):
        return None
    code, out, _err = tools.attempt(["ss", "-Hlx", "src", f"{app.releases}/*"])
    if code != 0:
        return None
    own = f"{app.release(current)}/"
    found = [words for words in map(str.split, out.splitlines()) if len(words) > 4 and words[2].isdecimal()]
    return sum(int(words[2]) for words in found if not words[4].startswith(own))
