# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Determine who may ask for a site and its locations: networks, and users with a password."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import rules
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.password_hash import (
    hashed,
    is_hash,
    stable_salt,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.rule_checks import network_of


@dataclass(frozen=True)
class Access:
    """Who may ask: the directives ``allow`` and ``deny`` in their order, and the users with a password."""

    networks: list[list[str]] = field(default_factory=list)
    # The realm and the name of the file below the generation; None without a password.
    users: tuple[str, str] | None = None


def site_access(site: Site) -> Access:
    """The access to the whole site, which its server block has."""
    return access_of(site, rules.Rule(site["allow"]), rules.Rule(site["deny"]), rules.Rule(site["basic_auth"]))


def password_files(site: Site) -> dict[str, str]:
    """The files of users and hashed passwords, by their name below the generation."""
    found = {}
    for path, users in password_owners(site):
        lines = (f"{user}:{_hash(site, user, password)}\n" for user, password in users.items())
        found[_password_file(site, path)] = "".join(lines)
    return found


def password_owners(site: Site) -> list[tuple[str, dict[str, str]]]:
    """The paths that set ``basic_auth``, empty for the site, each with its users and passwords."""
    owners = [("", site["basic_auth"]), *((location["path"], location["basic_auth"]) for location in site["locations"])]
    return [(path, users) for path, users in owners if users]


def _hash(site: Site, user: str, password: str) -> str:
    if is_hash(password):
        return password
    return hashed(password, stable_salt(site["name"], *site["server_name"], user))


def access_of(site: Site, allow: rules.Rule, deny: rules.Rule, users: rules.Rule) -> Access:
    """The access that these rules of *site* give."""
    allowed, denied = ([network_of(one) for one in dict.fromkeys(rule.value or [])] for rule in (allow, deny))
    if allowed:
        # 'deny: [all]' means all others.
        denied = [network for network in denied if network != "all"]
    networks = [*(["deny", one] for one in denied), *(["allow", one] for one in allowed)]
    if allowed:
        networks.append(["deny", "all"])
    if not users.value:
        return Access(networks)
    realm = f"{site['name']} {users.owner}".strip()
    return Access(networks, (realm, _password_file(site, users.owner)))


def _password_file(site: Site, path: str) -> str:
    # A site's name contains no dot.
    return f"passwords/{site['name']}.{digest(path)}"


def digest(*parts: str) -> str:
    """Return a short name for *parts*."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
