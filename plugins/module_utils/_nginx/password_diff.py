# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show a change of passwords in a diff: the site, the users, and whose password changes, but no hash."""

from __future__ import annotations

import os


def change(path: str, before: str, after: str) -> dict[str, str]:
    """Ansible's diff structure for the texts *before* and *after* of a file of users, empty where there is none."""
    old, new = _hashes(before), _hashes(after)
    # The name of the file: a site's name contains no dot (plugin_utils/_nginx/places.py).
    header = f"{path} (passwords of site {os.path.basename(path).partition('.')[0]})"
    return {
        "before_header": header,
        "after_header": header,
        "before": "".join(f"{user}:(hash not shown)\n" for user in old),
        "after": "".join(
            f"{user}:({'hash' if old.get(user, given) == given else 'changed hash'} not shown)\n"
            for user, given in new.items()
        ),
    }


def _hashes(text: str) -> dict[str, str]:
    return {user: given for user, _colon, given in (line.partition(":") for line in text.splitlines())}
