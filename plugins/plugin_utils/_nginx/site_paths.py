# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn the option ``paths`` of role django_site into locations of module nginx_config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_keys
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import RULES
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import check_path, check_value

# A location, as role_locations types it.
AnyLocation = TypeVar("AnyLocation", bound=Mapping[str, Any])


def check_paths(paths: Mapping[str, object], where: str) -> None:
    """Refuse paths and rules that are none; raises ValueError with a sentence that names the path."""
    seen: dict[str, str] = {}
    for path, rules in paths.items():
        check_value(check_path, where, "paths", str(path))
        other = seen.setdefault(str(path).rstrip("/"), path)
        if other != path:
            raise ValueError(f"{where}: paths '{other}' and '{path}' are the same path: merge them into one")
        if not isinstance(rules, Mapping):
            raise ValueError(
                f"{where}: paths[{path}] is not a dictionary of rules: write one like {{rate: 5r/m, burst: 5}}"
            )
        check_keys(rules, RULES, f"{where}: paths[{path}]")


def with_paths(locations: list[AnyLocation], paths: Mapping[str, Mapping[str, Any]]) -> list[AnyLocation]:
    """*locations* with the rules of *paths*: each path changes the location that it names, or makes one.

    A new location serves what its path had before: files of the directory that encloses it, or the application.
    """
    found = list(locations)
    for path, rules in paths.items():
        same = [number for number, location in enumerate(found) if location["path"].rstrip("/") == path.rstrip("/")]
        for number in same:
            found[number] = cast("AnyLocation", {**found[number], **rules})
        if not same:
            found[:0] = [cast("AnyLocation", {**location, **rules}) for location in _made(locations, path)]
    return found


def _made(locations: list[AnyLocation], path: str) -> list[dict[str, Any]]:
    """The locations for *path*, without the rules of the one that has served it so far: they are inherited."""
    directories = [location for location in locations if "alias" not in location or location["path"].endswith("/")]
    around = [location for location in directories if f"{path.rstrip('/')}/".startswith(_prefix(location))]
    outer = max(around, key=lambda location: len(location["path"]))
    kept = {key: value for key, value in outer.items() if key not in RULES}
    if "alias" not in kept:
        return [{**kept, "path": path}]
    # A name without '/' may be a file or a directory.
    paths = [path] if path.endswith("/") else [path, f"{path}/"]
    return [{**kept, "path": one, "alias": kept["alias"] + one.removeprefix(outer["path"])} for one in paths]


def _prefix(location: Mapping[str, Any]) -> str:
    """The beginning of the paths below *location*."""
    return f"{location['path'].rstrip('/')}/"
