# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the option ``sent_by`` of a location: the one of several applications whose responses may lead there."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import shown


def check_senders(site: Site, where: str) -> None:
    """Refuse a sender that is no application of *site*, and one of a location that clients can request."""
    known = dict.fromkeys(location["proxy_pass"] for location in site["locations"] if location["proxy_pass"])
    for location in site["locations"]:
        sender, place = location["sent_by"], f"{where}, location {shown(location['path'])}"
        if sender is None:
            continue
        if not location["internal"]:
            raise ValueError(
                f"{place}: sent_by {shown(sender)} has no effect without 'internal: true': add it, or remove it"
            )
        if sender not in known:
            raise ValueError(
                f"{place}: sent_by {shown(sender)} is not the proxy_pass of a location of the site: use one of "
                f"{', '.join(map(str, known)) or 'them, once the site has one'}"
            )
