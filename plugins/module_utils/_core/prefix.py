# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The path below which a site serves an app: a key of the site's ``mounts``, and the option ``prefix`` of the app."""

from __future__ import annotations

import re

# Only characters that no client has to encode: nginx, gunicorn and Django then see the same path.
PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/")


def check_prefix(value: str) -> None:
    """Refuse a *value* that is no prefix; raise ValueError with the end of a sentence."""
    if PREFIX.fullmatch(value):
        return
    if value.strip("/") == "":
        raise ValueError("is the whole site, not a path below it")
    slashed = f"/{value.strip('/')}/"
    if PREFIX.fullmatch(slashed):
        raise ValueError(f"needs a slash at both ends: write '{slashed}'")
    raise ValueError(
        "is no prefix: use letters, digits, '-', '_', '.' and '~' in each part, and no '.' at its beginning, like "
        "'/shop/'"
    )
