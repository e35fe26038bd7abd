# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an instance may be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey

GROUP = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,30}")
ARGUMENT_SPEC: dict[str, Any] = {
    "instances": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "kind": {"type": "str", "required": True, "choices": list(valkey.KINDS)},
            "group": {"type": "str"},
            "memory": {"type": "str", "default": valkey.DEFAULT_MEMORY},
            "state": {"type": "str", "default": "present", "choices": ["present", "stopped", "absent"]},
            "remote": {
                "type": "dict",
                "options": {
                    "app": {"type": "str", "required": True},
                    "host": {"type": "str", "required": True},
                    "address": {"type": "str", "required": True},
                    "hosts": {"type": "list", "elements": "str", "default": []},
                    "known": {"type": "list", "elements": "str", "default": [], "no_log": True},
                    "proposed": {"type": "list", "elements": "str", "default": [], "no_log": True},
                    "seen": {"type": "str", "default": ""},
                },
            },
        },
    },
    "confirm": {"type": "str", "default": ""},
}


class Remote(TypedDict):
    """A host of the app that uses an instance on another host."""

    app: str  # also the name of the user
    host: str  # in the inventory
    address: str
    hosts: list[str]  # the hosts of the app; others lose their access
    known: list[str]  # the passwords that hosts of the app have
    proposed: list[str]  # new ones
    seen: str  # the digest of the password when they were gathered


class Instance(TypedDict):
    """An instance as it is asked for."""

    name: str
    kind: str  # `cache` or `broker`
    group: str | None  # whose members can use it
    memory: str  # like 256M
    state: str  # present, stopped or absent
    remote: Remote | None  # the host that uses it, if that is another one


def problems(instances: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with the options, without a look at the host."""
    names = [one["name"] for one in instances]
    for one in instances:
        where = f"instances[{one['name']}]"
        if not valkey.NAME.fullmatch(one["name"]):
            yield f"{where}: the name must be a lower-case letter, then up to 39 of those, digits, '-' or '_'."
        if one["state"] == "present" and not GROUP.fullmatch(one.get("group") or ""):
            yield f"{where}: group '{one.get('group') or ''}' must be a group of the host, whose members use it."
        try:
            valkey.parse_memory(one["memory"])
        except ValueError as error:
            yield f"{where}: {error}."
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"instances: the name '{name}' is used twice. Rename one."
