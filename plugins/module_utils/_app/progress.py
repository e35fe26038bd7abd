# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show the phase of a run while it works: the controller reads it from a file in /run."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import PHASE_DIRECTORY

DIRECTORY = Path(PHASE_DIRECTORY)
# The phase in which a process of the app checks, collects and migrates.
PREPARE = "prepare"
STALE_SECONDS = 86_400  # no phase lasts longer


class Progress:
    """The phase of one run. The file contains no secret: every user of the host can read it.

    Each run has a file of its own, because another run of the same app may wait for the lock. Without the identifier
    *run*, the run shows nothing.
    """

    def __init__(self, app: str, run: str, directory: Path = DIRECTORY) -> None:
        self.path, self.is_shown, self.start = directory / f"{app}.{run}", bool(run), time.monotonic()
        self.new = self.path.with_name(f".{self.path.name}")

    def enter(self, phase: str) -> None:
        """Show that *phase* begins now. Showing it must not fail a run."""
        if not self.is_shown:
            return
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._sweep()
            shown = {"phase": phase, "after": round(time.monotonic() - self.start, 1)}
            self.new.write_text(json.dumps(shown), encoding="utf-8")
            os.replace(self.new, self.path)

    def end(self) -> None:
        """Remove the file, and the one that a full file system did not let become it."""
        for path in (self.path, self.new) if self.is_shown else ():
            with contextlib.suppress(OSError):
                path.unlink()

    def _sweep(self) -> None:
        """Remove the files of runs that were killed."""
        for path in self.path.parent.iterdir():
            if path.stat().st_mtime < time.time() - STALE_SECONDS:
                path.unlink()
