# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse an alias onto a directory with code, secrets or a database: nginx must never publish them."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import AliasRecord

PRIVATE_FILES = (
    *(".env", ".git", "manage.py", "settings.py", "wsgi.py", "asgi.py", "pyvenv.cfg"),
    *("*.sqlite3", "*.sqlite", "*.db"),
)
# Directories below the data of an app, as role django_app creates them. `data` itself contains the database.
UPLOADS = re.compile(rf"{APPS}/[a-z0-9][a-z0-9_-]*/data/[^/]")


def private_file(directory: str) -> str | None:
    """The name of a file in *directory* that must not be published, None without one."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return None
    return next((name for name in names for pattern in PRIVATE_FILES if fnmatch.fnmatch(name, pattern)), None)


def check_aliases(aliases: Iterable[AliasRecord]) -> list[str]:
    """Raise ValueError for the first of *aliases* that would publish such a file.

    Return warnings for directories of Gatehouse's apps: an app must not be able to block other sites with a file.
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
