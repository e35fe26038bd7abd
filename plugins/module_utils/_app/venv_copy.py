# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Begin a release's own virtual environment as a copy of that of another release with the same dependencies.

Such an environment contains the project itself, so that releases cannot share it. After the copy, uv runs the same
steps as in an empty one: it finds the dependencies there, and installs the project of this release. It does so also at
the path of an earlier attempt, because it compares the times of the project's files.
"""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools

# It contains the key of a complete environment that belongs to root. The building user cannot write beside it.
MARK = ".venv"
MAX_SCRIPT_BYTES = 1 << 20


def mark(release: str, key: str) -> None:
    """Record that the environment of the directory *release* is complete, and the *key* of its dependencies.

    An empty key stands for unknown dependencies, and has no effect.
    """
    if key:
        Path(release, MARK).write_text(key, encoding="utf-8")


def begin(tools: Tools, app: App, venv: str, key: str, owner: tuple[int, int]) -> bool:
    """Copy the newest environment with the *key* to *venv*, for the user and group *owner*; return whether it exists.

    Also one of a failed candidate.
    """
    donor = _newest(app, key) if key else None
    if donor is None:
        return False
    tools.run(["cp", "--archive", "--reflink=auto", "--no-target-directory", str(donor / "venv"), venv])
    _move_scripts(os.path.join(venv, "bin"), os.path.join(app.release(donor.name), "venv"), venv)
    tools.run(["chown", "--recursive", "--no-dereference", f"{owner[0]}:{owner[1]}", venv])
    os.chmod(venv, 0o755)
    return True


def _newest(app: App, key: str) -> Path | None:
    found = [path for top in (app.releases, app.failed) for path in Path(top).glob(f"*/{MARK}")]
    # An operator may have removed parts of a candidate.
    kept = [path for path in found if path.with_name("venv").is_dir()]
    usable = [path for path in kept if path.read_text(encoding="utf-8") == key]
    return max(usable, key=lambda path: path.stat().st_mtime).parent if usable else None


def _move_scripts(directory: str, old: str, new: str) -> None:
    """Replace the path of the environment in its scripts: their first line names its interpreter."""
    with os.scandir(directory) as entries:
        scripts = [entry.path for entry in entries if entry.is_file(follow_symlinks=False)]
    for path in scripts:
        if os.stat(path).st_size <= MAX_SCRIPT_BYTES:
            content = Path(path).read_bytes()
            if b"\0" not in content and old.encode() in content:
                Path(path).write_bytes(content.replace(old.encode(), new.encode()))
