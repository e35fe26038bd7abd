# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Link a directory of a release into the app's data, for projects that write beside their code."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from ansible_collections.gatehouse.django.plugins.module_utils._app.app_user import AppUser
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, tail
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree

# Files that the project keeps in the directory are the first content of its place in the data. Later ones do not
# replace files there. `cp --no-clobber` fails for an existing file since coreutils 9.2, --update=none is newer yet.
MAKE = """
set -eu
mkdir -p -- "$2"
[ ! -d "$1" ] || cp -R --no-clobber -- "$1/." "$2/" || :
"""


def link_to_data(user: AppUser, app: App, source: str, project: str, path: str) -> None:
    """Replace the directory *path* of the *project* by a link to the same path in the app's data.

    The app's user makes the directory there: root follows no path that the app can change. The *source*, which contains
    the project, already belongs to root, but can contain links of the repository, which are not followed either.
    """
    place = os.path.normpath(os.path.join(app.data, path))
    relative = os.path.relpath(os.path.join(project, path), source)
    *above, name = relative.split(os.sep)
    code, out, err = user.attempt(["sh", "-c", MAKE, "writable", os.path.join(project, path), place])
    if code != 0:
        raise ReleaseError(f"writable: '{path}' cannot be made in {app.data} ({code}):\n{tail(err or out)}")
    _make_parents(source, above)
    with tree.opened(source, *above) as directory:
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                tree.remove_tree(os.path.join(source, relative))
            else:
                os.unlink(name, dir_fd=directory)
        os.symlink(place, name, dir_fd=directory)


def _make_parents(source: str, names: list[str]) -> None:
    for depth, name in enumerate(names):
        with tree.opened(source, *names[:depth]) as directory, suppress(FileExistsError):
            # Like the other directories of the source: the app reads them.
            os.mkdir(name, 0o750, dir_fd=directory)
            os.chown(name, 0, os.fstat(directory).st_gid, dir_fd=directory, follow_symlinks=False)
