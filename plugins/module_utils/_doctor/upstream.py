# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The application behind a location: the directive that passes requests to it, and its addresses."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS, EXPECTED_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

PASS_DIRECTIVES = ("proxy_pass", "uwsgi_pass", "fastcgi_pass")
# What templates/site.conf.j2 adds to the name of an upstream.
ONCE = "$gatehouse_once"
APP = re.compile(rf"unix:{APPS}/([^/]+)/current/web\.sock")


def pass_directive(location: Directive) -> Directive | None:
    """The directive that passes the requests of *location* to an application."""
    return next((directive for name in PASS_DIRECTIVES if (directive := location.own(name))), None)


def upstream_name(location: Directive) -> str:
    """The name of the upstream that *location* passes requests to over HTTP or HTTPS; empty for another target."""
    passing = pass_directive(location)
    target = passing.args[0] if passing and passing.args else ""
    scheme, _separator, rest = target.rpartition("://")
    return rest.partition("/")[0].lower().removesuffix(ONCE) if scheme in ("http", "https") else ""


def upstream_addresses(location: Directive) -> list[str]:
    """The addresses that *location* passes requests to: ``unix:/path`` or ``host:port``. Variables are left out."""
    passing = pass_directive(location)
    target = passing.args[0] if passing and passing.args else ""
    scheme, _separator, rest = target.rpartition("://") if "://" in target else ("", "", target)
    name = rest if rest.startswith("unix:") else rest.partition("/")[0]
    main = location
    while main.parent:
        main = main.parent
    upstream = _upstreams(main).get(name.lower().removesuffix(ONCE))
    if upstream:
        servers = [server for server in upstream.children("server") if "down" not in server.args]
        # An address may be listed twice, so that nginx asks it twice.
        return list(dict.fromkeys(_address(server.args[0], "80") for server in servers))
    return [] if not name or "$" in target else [_address(name, "443" if scheme == "https" else "80")]


@lru_cache(maxsize=1)
def _upstreams(main: Directive) -> Mapping[str, Directive]:
    """The upstreams of a configuration by name; of two with the same name, the first."""
    named = [block for http in main.children("http") for block in http.children("upstream") if block.args]
    return {block.args[0].lower(): block for block in reversed(named)}


def _address(address: str, port: str) -> str:
    if address.startswith("unix:"):
        # Of a site of Gatehouse, the second one is the same path in other words (plugin_utils/_nginx/upstreams.py).
        return f"unix:{os.path.normpath(address[5:].partition(':')[0])}"
    return address if re.search(r":\d+$", address) else f"{address}:{port}"


def app_name(location: Directive) -> str:
    """The app of role django_app that *location* passes its requests to, empty for none."""
    apps = [match[1] for address in upstream_addresses(location) if (match := APP.fullmatch(address))]
    return apps[0] if apps else ""


def balanced_app(location: Directive) -> str:
    """The app of other hosts that *location* of a balancer passes its requests to, empty for none."""
    # nginx expects the release that a link with the name of the app says (template group.conf of nginx_config).
    root = location.own("root")
    directory, _slash, name = root.args[0].rpartition("/") if root and root.args else ("", "", "")
    return name if directory == EXPECTED_DIRECTORY else ""


def proxy_locations(server: Directive) -> Iterator[Directive]:
    """The locations of *server* that pass their requests to an application."""
    return (location for location in server.below("location") if pass_directive(location))
