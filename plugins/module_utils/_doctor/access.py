# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directives `allow` and `deny`: which of them decides about a client (ngx_http_access_module)."""

from __future__ import annotations

import ipaddress

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

SHOWN = 5  # addresses


def refusing(location: Directive, client: str) -> Directive | None:
    """The `deny` by which nginx refuses *client* in *location*; None if none does.

    A block without either directive has those of the block around it. The first one that matches decides.
    """
    block: Directive | None = location
    while block is not None:
        rules = [one for one in block.block if one.name in ("allow", "deny")]
        if rules:
            first = next((one for one in rules if _matches(one, client)), None)
            return first if first and first.name == "deny" else None
        block = block.parent
    return None


def described(rule: Directive) -> str:
    """*rule* in a sentence. The `deny all` after the addresses of `allow` is what `allow` means."""
    allowed = [one.args[0] for one in rule.parent.children("allow") if one.args] if rule.parent else []
    if rule.args[:1] != ("all",) or not allowed:
        return f"'{' '.join((rule.name, *rule.args))}'"
    more = f" and {len(allowed) - SHOWN} more" if len(allowed) > SHOWN else ""
    return f"'allow' for {', '.join(allowed[:SHOWN])}{more} only"


def option(rule: Directive) -> str:
    """The option of a site that makes *rule*."""
    return "allow" if described(rule).startswith("'allow'") else "deny"


def _matches(rule: Directive, client: str) -> bool:
    given = rule.args[0] if rule.args else ""
    if given == "all":
        return True
    try:
        return ipaddress.ip_address(client) in ipaddress.ip_network(given, strict=False)
    except ValueError:
        return given == client
