# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show restic the data of an app without a link that it could follow.

restic runs as root and opens paths by their names. The app can replace a directory by a link while restic reads it, and
would find the files of others in its backup. So restic reads through a mount on which the kernel follows no link
(`nosymfollow`, mount(8)) and which nothing can be written through. Links are still read and stored as links.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, mounts, tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded

OPTIONS = "remount,bind,ro,nosuid,nodev,nosymfollow"


@contextmanager
def data_of(app: App, target: Path) -> Iterator[None]:
    """Have the data of *app* at *target*, also the file systems that are mounted in them.

    Only in a mount namespace of its own, as the unit has (`PrivateMounts=`): it ends with this process.
    """
    if os.readlink("/proc/self/ns/mnt") == os.readlink("/proc/1/ns/mnt"):
        raise BackupError(f"Start the backup with `systemctl start gatehouse-backup@{app.name}`.")
    files.make_directory(target, 0o700)
    # Only root can replace the directory itself; this refuses a link.
    with tree.opened(app.home, "data"):
        _mount("--rbind", "--make-rprivate", app.data, str(target))
    try:
        # The outer ones first, so that no link of the app leads on the way to the inner ones.
        for point in mounts.below(str(target)):
            _mount("-o", OPTIONS, point)
        unsafe = [point for point, options in mounts.below(str(target)).items() if "nosymfollow" not in options]
        if unsafe:
            raise BackupError(f"The kernel of this host cannot protect {unsafe[0]}: Linux 5.10 or newer is needed.")
        yield
    finally:
        run_bounded(["umount", "--recursive", "--lazy", str(target)])


def _mount(*words: str) -> None:
    code, _out, err = run_bounded(["mount", *words])
    if code:
        raise BackupError(f"mount {' '.join(words)} failed: {err.strip()}")
