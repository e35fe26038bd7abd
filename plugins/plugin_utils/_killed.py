# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Explain the result of a module that was killed on the host: Ansible only says that it found no JSON."""

from __future__ import annotations

import signal
from collections.abc import Mapping

# As a shell and as Python say it.
KILLED = frozenset({128 + signal.SIGKILL, -signal.SIGKILL})
OF_NGINX = (
    "nginx serves the configuration from before this run, or the new one, each as a whole. Run this again: the next "
    "run removes what this one has left, and reloads nginx if that is still missing."
)
OF_APP = (
    "The release from before this run is served, or the new one. Run this again: the next run removes what this one "
    "has left, and does what is still missing."
)
OF_UPGRADE = (
    "The live data are complete in the cluster of before. Apps may be stopped. Run this again with -e confirm=<host>: "
    "the next run undoes or finishes what this one has begun."
)
OF_TAKEOVER = "If nginx has not switched yet, the hand-made site is served as before. Run this again."


def explain_kill(result: Mapping[str, object], state: str) -> dict[str, object]:
    """Return *result*; if SIGKILL ended the module, with a message that says so, and with *state*, that of the host."""
    # Ansible adds the output only if it is no answer of the module.
    if result.get("rc") not in KILLED or "module_stdout" not in result:
        return dict(result)
    msg = (
        f"The module was killed on the host before it could answer (SIGKILL, exit code {result['rc']}). The kernel "
        f"does that when memory runs out; 'journalctl --dmesg --grep=oom-kill' on the host shows it then. {state}"
    )
    kept = {name: value for name, value in result.items() if name != "exception"}
    return {**kept, "failed": True, "msg": msg}
