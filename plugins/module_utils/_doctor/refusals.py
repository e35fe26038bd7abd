# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How nginx refuses requests: its statuses, its pages and its messages."""

from __future__ import annotations

import re

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.log import Entry

# The end of each page of nginx's own (ngx_http_special_response.c): with its version, without, or with its build.
NGINX_PAGE = re.compile(r"<hr><center>nginx(?:/[\w. ()-]*)?</center>", re.IGNORECASE)
# The statuses with which a server refuses a request before it looks for the page, or because of who asks.
REFUSALS = (401, 403, 405, 408, 411, 413, 414, 421, 429, 431)
# A page of a site that works may ask for a login, be forbidden, absent or wanted too often.
MAY_BE_INTENDED = (401, 403, 404, 405, 406, 410, 426, 429, 451)
# ngx_http_limit_req_module and ngx_http_limit_conn_module.
LIMITED = re.compile(r'limiting (requests|connections)(?:, excess: [\d.]+)? by zone "([^"]*)"')
LIMITS = {"requests": "limit_req", "connections": "limit_conn"}
# The messages with which nginx refuses a request before it passes it on.
REFUSED = re.compile(
    r"(?:limiting (?:requests|connections)|access forbidden by rule|client intended to send|user \".*\": "
    r"|user \".*\" was not found|no live upstreams|no resolver defined|invalid URL prefix|auth request unexpected)"
)


def by_nginx(entry: Entry) -> bool:
    """Whether nginx itself refused the request that *entry* is about, or could not pass it on or get an answer."""
    return entry.level != "warn" and (bool(entry.upstream) or REFUSED.match(entry.text) is not None)
