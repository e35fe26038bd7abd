# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A balancer passes the request to web hosts, and the reason of the error is on one of them."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import web_hosts
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """The first web host that does not serve the page either."""
    if visit.pass_directive is None or 0 < visit.status < 500:
        return None
    path = visit.request.sent_path
    page = web_hosts.page_of(visit.server, visit.location, path, tls=visit.request.tls)
    return next(iter(web_hosts.examine(visit.host, page)), None) if page else None
