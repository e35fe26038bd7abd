# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse directives at http level that nginx accepts, and that the server blocks of sites undo."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet import check_syntax, directives
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet_conflicts import (
    OF_FILE_LOCATIONS,
    OF_PROXIED_LOCATIONS,
)

# What server.conf.j2, site.conf.j2 and tls.conf.j2 set for each site. A test compares them.
OF_SERVERS = (
    *("client_max_body_size", "sendfile", "tcp_nopush"),
    *("open_file_cache", "open_file_cache_valid", "open_file_cache_errors"),
    *("gzip", "gzip_vary", "gzip_proxied", "gzip_comp_level", "gzip_min_length", "gzip_types"),
    *("ssl_protocols", "ssl_ciphers", "ssl_prefer_server_ciphers", "ssl_ecdh_curve"),
    *("ssl_session_cache", "ssl_session_timeout", "ssl_session_tickets"),
)
# nginx inherits these only where a block has none of its own. What to write instead.
REPLACED = {
    "add_header": "Write it in the option 'headers' of each site",
    "error_page": "Put the page into the directory that the option 'pages' of each site names",
    "proxy_set_header": "Gatehouse sends the headers of the visitor's request, and the application needs no other",
}


def check_http_snippet(snippet: str | None) -> None:
    """Raise ValueError for a *snippet* that is not whole, or has a directive without effect on the sites."""
    check_syntax(snippet, "nginx_conf", "http_snippet")
    for name, args in directives(snippet or ""):
        written = " ".join((name, *args))
        if name in REPLACED:
            remedy = REPLACED[name]
        elif name in (*OF_SERVERS, *OF_PROXIED_LOCATIONS, *OF_FILE_LOCATIONS):
            option = name == "client_max_body_size"
            remedy = f"Write it in the option '{name}' of each site" if option else "Remove it"
        else:
            continue
        raise ValueError(
            f"nginx_conf: http_snippet has '{written}', which has no effect on sites of Gatehouse, because they set "
            f"{name} themselves. {remedy}. For servers of your own write it into a file in conf.d. Nothing was changed."
        )
