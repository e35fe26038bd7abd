# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arguments as plain containers and strings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """*value* with dicts, lists and strings of exactly these types.

    Since ansible-core 2.19 templated containers are lazy and hold on to the templating engine, and strings are tagged
    with where they come from. The argument spec's validator makes a deep copy: it would copy that engine along, with a
    deprecation warning for its trouble, and spend most of its time on tags.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
