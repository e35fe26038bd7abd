# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the caches and brokers of an app that its options do not name any more."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey


def unused_instances(app: App, used: Collection[str], *, data: bool = False) -> list[dict[str, str]]:
    """Return the instances to stop, in the form of module valkey_instances, without those of the kinds in *used*.

    A cache goes. A broker is stopped and keeps its data, unless the *data* of the app are removed.
    """
    found = []
    for kind in set(valkey.KINDS) - set(used):
        name = valkey.instance(app.name, kind)
        state = "absent" if kind == "cache" or data else "stopped"
        is_there = valkey.engine_of(name) if state == "stopped" else name in valkey.of_app(app.name)
        # One for other hosts belongs to the app there, which may have the same name.
        if is_there and not valkey.is_remote(name):
            found.append({"name": name, "kind": kind, "state": state})
    return sorted(found, key=lambda one: one["name"])
