# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nginx must never publish: an alias onto a directory that holds code, secrets or a database."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import AliasRecord

PRIVATE_FILES = (
    *(".env", ".git", "manage.py", "settings.py", "wsgi.py", "asgi.py", "pyvenv.cfg"),
    *("*.sqlite3", "*.sqlite", "*.db"),
)
# Below the data of an app, as role django_app makes it. `data` itself has the database.
UPLOADS = re.compile(r"/srv/[a-z0-9][a-z0-9_-]*/data/[^/]")


def private_file(directory: str) -> str | None:
    """The name of a file in *directory* that no web server should publish, None where there is none."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return None
    return next((name for name in names for pattern in PRIVATE_FILES if fnmatch.fnmatch(name, pattern)), None)


def check_aliases(aliases: Iterable[AliasRecord]) -> list[str]:
    """Raise ValueError for the first of *aliases* (``site``, ``path``, ``alias``) that would publish such a file.

    Warn where a Gatehouse app itself chooses the names: it must not keep other sites from being published.
    """
    warnings = []
    for location in aliases:
        name = private_file(location["alias"])
        if name:
            message = (
                f"site '{location['site']}', location '{location['path']}': alias '{location['alias']}' "
                f"holds {name!r}, which anyone could download; "
                "choose a directory that contains only files to publish"
            )
            if not UPLOADS.match(os.path.normpath(location["alias"])):
                raise ValueError(f"{message}. Nothing was changed.")
            warnings.append(message)
    return warnings
