# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an operator changes a rule of nginx: an option of the site or of one of its `paths`, or the file itself."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import modifier

# The options of the inventory that make a directive, where they have another name.
OPTIONS = {
    "limit_req": "rate: VALUE, burst: NUMBER",
    "limit_conn": "connections: NUMBER",
    "auth_basic": "basic_auth: {}",
    "allow": "allow: [ADDRESS]",
    "deny": "deny: []",
}
# What a location has only where its value is not that of the server block.
UNLIKE_SERVER = ("allow", "deny", "auth_basic", "client_max_body_size")


def change(host: Host, location: Directive, rule: Directive | None, name: str, value: str = "VALUE") -> str:
    """The end of the sentence "If ..., ": it sets what the directive *name* says in *location* to *value*.

    *rule* is the directive that is in force there, None for nginx's default.
    """
    place = rule or location
    if host.is_managed(place):
        return f"write {in_inventory(location, rule, OPTIONS.get(name, f'{name}: {value}'))}"
    return f"change {name} in {place.where}, then {places.RELOAD}"


def in_inventory(location: Directive, rule: Directive | None, option: str) -> str:
    """The place of *option* in the inventory, so that it has an effect where *rule* is in force, and what applies it.

    The value of a path replaces that of the site, so a rule of a location is changed for its path.
    """
    is_own = rule is not None and rule.parent is not None and rule.parent.name == "location"
    owner = rule.parent if rule is not None and rule.parent is not None and is_own else location
    kind, path = modifier(owner) if owner.name == "location" else ("", "/")
    if is_own and (kind.startswith(("~", "@")) or not path.startswith("/")):
        entry = places.in_inventory(owner, "snippet")
        return f"another value in the block 'location {' '.join(owner.args)}' of {entry}"
    if not is_own:
        return places.in_inventory(owner, option)
    if path != "/" or (rule is not None and rule.name in UNLIKE_SERVER):
        return places.in_inventory(owner, option, path)
    return f"{places.in_inventory(owner, option)} (if `paths['/']` sets it: there)"
