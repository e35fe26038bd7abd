# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a project's requires-python against the host's Python, if pyproject.toml is on the controller."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from typing import Any


def check_python(source: Mapping[str, Any], version: str) -> None:
    """Raise ValueError if the project excludes the *version* of the host's interpreter."""
    # ansible-core depends on packaging, but ansible-test imports plugins without that dependency.
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    path = os.path.join(source.get("directory") or "", source.get("subdirectory") or "", "pyproject.toml")
    if not source.get("directory") or not os.path.exists(path):
        return
    try:
        with open(path, "rb") as file:
            required = str(tomllib.load(file).get("project", {}).get("requires-python", ""))
        if SpecifierSet(required).contains(version, prereleases=True):
            return
    except (tomllib.TOMLDecodeError, InvalidSpecifier) as error:
        raise ValueError(f"source: '{path}' is not valid: {error}") from error
    raise ValueError(
        f"python: the project needs Python {required} (requires-python in '{path}'), but the host has {version}. "
        "Set option python to another interpreter of the host, or use a newer distribution. Nothing was changed."
    )
