# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warn about a location of a snippet that answers requests which `allow`, `deny` or `basic_auth` of a path are for.

nginx takes a location with a regular expression before the longest prefix, and a longer prefix before a shorter one.
The rules of a site are in its server block, and such a location inherits them; those of a path are in its location.
"""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import rules
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet_locations import locations, may_match

# With one of these the location refuses requests itself, or is not for visitors.
OWN_RULE = ("allow", "deny", "auth_basic", "auth_request", "return", "internal")


def warnings(site: Site) -> list[str]:
    """A sentence for each location of the snippet of *site* that is a way around access rules of a path."""
    found = []
    for args, inside in locations(site["snippet"] or ""):
        if {name for name, _args in inside} & set(OWN_RULE):
            continue
        around = [
            f"'{location['path']}' ({', '.join(given)})"
            for location in site["locations"]
            if (given := [option for option in rules.ACCESS if location[option]])
            and not location["internal"]
            and may_match(args, location["path"])
        ]
        if around:
            found.append(
                f"site '{site['name']}': the location '{' '.join(args)}' of its snippet can answer requests for paths "
                f"below {' and '.join(around)}, whose rules do not hold there: write them in that location as well, "
                "with nginx's directives allow, deny and auth_basic"
            )
    return found
