# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert arguments to plain containers and strings, and describe those of a wrong type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator


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


def type_errors(spec: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any], where: str) -> Iterator[str]:
    """The errors that Ansible's validator finds in *given*, each with its place: Ansible does not name the element.

    *where* is the place of *given*, such as ``nginx_config: sites[shop]``.
    """
    flat = {name: {key: rule[key] for key in rule if key != "options"} for name, rule in spec.items()}
    for message in ArgumentSpecValidator(flat).validate(dict(given)).error_messages:
        yield f"{where}: {message}"
    for name, rule in spec.items():
        value = given.get(name)
        for number, item in enumerate(value if isinstance(value, list) else [value]):
            if "options" in rule and isinstance(item, Mapping):
                element = f"[{item.get('name') or item.get('path') or number}]" if isinstance(value, list) else ""
                yield from type_errors(rule["options"], item, f"{where}: {name}{element}")
