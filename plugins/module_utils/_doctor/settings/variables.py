# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment variables from which a project takes a setting, by their names: DJANGO_ALLOWED_HOSTS."""

from __future__ import annotations

import json
from collections.abc import Mapping


def name_for(environment: Mapping[str, str], setting: str) -> str:
    """The variable that is named like *setting*, also after a prefix; empty for none."""
    found = [name for name in environment if name.upper() == setting or name.upper().endswith(f"_{setting}")]
    return min(found, key=len, default="")


def remedy(environment: Mapping[str, str], setting: str, value: object) -> str:
    """The remedy that sets the variable for *setting*, empty where no variable looks so."""
    name = name_for(environment, setting)
    if not name:
        return ""
    text = _written(environment[name], value)
    return f"Write in the app's environment in the inventory: `{name}: {json.dumps(text)}`."


def _written(before: str, value: object) -> str:
    """*value* as the variable has it: a list as JSON, or with the separator that is there already."""
    if not isinstance(value, (list, tuple)):
        return str(value)
    if before.lstrip().startswith("["):
        return json.dumps(value)
    separator = next((one for one in (",", ";", " ") if one in before.strip()), ",")
    return separator.join(map(str, value))
