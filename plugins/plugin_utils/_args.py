# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert arguments to plain containers and strings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Copy *value* with plain dicts, lists and strings.

    Since ansible-core 2.19 templated containers are lazy and refer to the templating engine, and strings are tagged
    with their origin. The argument spec's validator makes a deep copy: it would also copy that engine, cause a
    deprecation warning, and spend most of its time on tags.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
