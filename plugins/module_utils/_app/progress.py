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


class Progress:
    """The phase of one run. The file contains no secret: every user of the host can read it."""

    def __init__(self, app: str, run: str, directory: Path = DIRECTORY) -> None:
        # *run* tells the controller that the file is not that of another run.
        self.path, self.run_id, self.start = directory / app, run, time.monotonic()

    def enter(self, phase: str) -> None:
        """Show that *phase* begins now. Showing it must not fail a run."""
        if not self.run_id:
            return
        shown = {"run": self.run_id, "phase": phase, "after": round(time.monotonic() - self.start, 1)}
        new = self.path.with_name(f".{self.path.name}")
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            new.write_text(json.dumps(shown), encoding="utf-8")
            os.replace(new, self.path)

    def end(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self.path.unlink()
