# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse a page cache that can never keep a page: a browser sends `Authorization` with each request for a password."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import rules
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import shown


def check_caches(site: Site, where: str) -> None:
    """Raise ValueError for a `page_cache` whose paths all have `basic_auth`."""
    by_owner: dict[str, list[bool]] = {}
    for location in site["locations"]:
        cache = rules.rule(site, location, "page_cache")
        if location["proxy_pass"] is not None and rules.is_on(cache.value):
            has_password = bool(rules.rule(site, location, "basic_auth").value)
            by_owner.setdefault(cache.owner, []).append(has_password)
    for owner, have_passwords in by_owner.items():
        if all(have_passwords):
            place = f"{where}, location {shown(owner)}" if owner else where
            raise ValueError(
                f"{place}: page_cache has no effect with 'basic_auth', because nginx keeps no page of a visitor with a "
                "password: remove one of the two"
            )
