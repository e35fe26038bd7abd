# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument spec of nginx_config: one source for its action plugin and its module."""

from __future__ import annotations

from typing import Any

# What a site can set for all of its paths, and a location for its own. None: inherited (module_utils/_nginx/rules.py).
RULES: dict[str, object] = {
    "rate": {"type": "str"},
    "burst": {"type": "int"},
    "connections": {"type": "int"},
    "allow": {"type": "list", "elements": "str"},
    "deny": {"type": "list", "elements": "str"},
    "basic_auth": {"type": "dict", "no_log": True},
    "page_cache": {"type": "str"},
    "buffering": {"type": "bool"},
    "websocket": {"type": "bool"},
    "client_max_body_size": {"type": "str"},
    "proxy_connect_timeout": {"type": "str"},
    "proxy_send_timeout": {"type": "str"},
    "proxy_read_timeout": {"type": "str"},
}

LOCATION: dict[str, object] = {
    "path": {"type": "str", "required": True},
    "alias": {"type": "str"},
    "proxy_pass": {"type": "str", "no_log": False},
    "internal": {"type": "bool", "default": False},
    "sent_by": {"type": "str"},
    "files": {"type": "bool", "default": False},
    "untrusted": {"type": "bool", "default": False},
    "symlinks": {"type": "str", "choices": ["auto", "refuse", "same_owner", "follow"], "default": "auto"},
    "cache_control": {"type": "str"},
    "snippet": {"type": "str"},
    **RULES,
}

BEHIND: dict[str, object] = {
    # Required; check_behind says so in the words of the option.
    "addresses": {"type": "list", "elements": "str"},
    "header": {"type": "str"},
    "proxy_protocol": {"type": "bool", "default": False},
    "scheme": {"type": "str", "choices": ["http", "https"]},
    "balancers": {"type": "bool", "default": False},
}

SITE: dict[str, object] = {
    **RULES,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "server_name": {"type": "list", "elements": "str"},
    "listen": {"type": "list", "elements": "str"},
    "default": {"type": "bool", "default": False},
    "redirect_from": {"type": "list", "elements": "str", "default": []},
    "client_max_body_size": {"type": "str", "default": "20m"},
    "maintenance": {"type": "bool", "default": False},
    "tls": {"type": "str", "choices": ["acme", "files", "host", "self_signed", "off"], "default": "off"},
    "tls_certificate": {"type": "str"},
    "tls_key": {"type": "str", "no_log": False},  # the path of a file
    "tls_listen": {"type": "list", "elements": "str"},
    "acme_peers": {"type": "list", "elements": "str", "default": []},
    "hsts": {"type": "str"},
    "http3": {"type": "bool", "default": False},
    "headers": {"type": "dict", "default": {}},
    "behind": {"type": "dict", "options": BEHIND},
    "pages": {"type": "str"},
    "upstreams": {"type": "dict", "default": {}},
    "releases": {"type": "dict", "default": {}},
    "upstream_authorities": {"type": "dict", "default": {}},
    "locations": {"type": "list", "elements": "dict", "options": LOCATION},
    "snippet": {"type": "str"},
}

NGINX_CONF: dict[str, object] = {
    "manage": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "worker_connections": {"type": "int"},
    "http_snippet": {"type": "str"},
}

ARGUMENT_SPEC: dict[str, Any] = {
    "sites": {"type": "list", "elements": "dict", "options": SITE, "default": []},
    "purge": {"type": "bool", "default": False},
    "nginx_conf": {"type": "dict", "options": NGINX_CONF},
    "generation": {"type": "str"},
    "rendered": {"type": "dict"},
    "certificates": {"type": "dict", "no_log": True},
    "passwords": {"type": "dict", "no_log": True},
    "acme_sites": {"type": "list", "elements": "str"},
    "aliases": {"type": "list", "elements": "str"},
}
