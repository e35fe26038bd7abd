# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a project takes the host's Python, as far as its pyproject.toml is on the controller."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from typing import Any


def check_python(source: Mapping[str, Any], version: str) -> None:
    """Raise ValueError for an interpreter that the project itself excludes, before anything is made on the host."""
    # ansible-core brings it, but ansible-test imports plugins without ansible-core's own dependencies.
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    path = os.path.join(source.get("directory") or "", source.get("subdirectory") or "", "pyproject.toml")
    if not source.get("directory") or not os.path.exists(path):
        return
    try:
        with open(path, "rb") as file:
            wanted = str(tomllib.load(file).get("project", {}).get("requires-python", ""))
        if SpecifierSet(wanted).contains(version, prereleases=True):
            return
    except (tomllib.TOMLDecodeError, InvalidSpecifier) as error:
        raise ValueError(f"source: '{path}' is not valid: {error}") from error
    raise ValueError(
        f"python: the project needs Python {wanted} (requires-python in '{path}'), but the host has {version}. "
        "Set option python to another interpreter of the host, or use a newer distribution. Nothing was changed."
    )
