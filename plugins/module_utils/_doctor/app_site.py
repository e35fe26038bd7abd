# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The apps of role django_app as nginx serves them, for the comparison with their projects' settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import app_name, proxy_locations
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import Listen

UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3}


@dataclass(frozen=True)
class AppSite:
    """An app as nginx serves it under some names, written by Gatehouse or by hand."""

    site: str
    names: tuple[str, ...]
    tls: bool
    # The port that visitors use: that of the listening socket.
    port: str
    # The path of each location, and its directory by alias or root.
    locations: tuple[tuple[str, str], ...]
    # In bytes, 0 for no limit.
    client_max_body_size: int
    app: str
    # Paths of the locations that are `internal`: only the app can have nginx send such a file.
    internal: tuple[str, ...] = ()
    # Paths of the locations that pass requests for absent files to the app (try_files).
    optional: tuple[str, ...] = ()
    # proxy_set_header as it applies to '/', name and value; None for what Gatehouse's sites send.
    headers: tuple[tuple[str, str], ...] | None = None
    # Whether nginx_config wrote it: then a remedy is a change of the inventory, otherwise of nginx's files.
    managed: bool = True
    # File and line of the location that passes requests to the app.
    where: str = "nginx's location"

    def inventory_remedy(self, option: str) -> str:
        """The remedy that sets an option of the site."""
        return f"Write in the site's entry of django_sites: `{option}`."

    def nginx_remedy(self, directive: str, place: str = "in the location at") -> str:
        """The remedy that adds a directive to nginx's configuration."""
        return f"Write {place} {self.where}: `{directive}`, then `systemctl reload nginx`."


def app_sites(listens: Sequence[Listen], conf_dir: str) -> list[AppSite]:
    """One record for each server block that passes requests to an app."""
    by_server: dict[Directive, AppSite] = {}
    # Of a server's addresses, the one with TLS is the one that visitors are meant to use.
    for listen in sorted(listens, key=lambda listen: not listen.tls):
        server = listen.server
        to_app = [location for location in proxy_locations(server) if app_name(location)]
        if server in by_server or not to_app or not sites.real_names(server):
            continue
        root = sites.final_location(server, "/")
        root = root if app_name(root) else to_app[0]
        managed = server.path.startswith(f"{conf_dir}/gatehouse/")
        files = [*sites.alias_locations(server), *sites.root_locations(server)]
        by_server[server] = AppSite(
            site=sites.title(server),
            names=tuple(f"[{name}]" if ":" in name else name for name in sites.real_names(server)),
            tls=listen.tls,
            port=listen.port,
            locations=tuple((path, directory) for _location, path, directory in files),
            client_max_body_size=body_limit(root)[0],
            app=app_name(root),
            internal=tuple(path for location, path, _directory in files if location.own("internal")),
            optional=tuple(path for location, path, _directory in files if location.own("try_files")),
            # A site with the option `behind` sets some of them itself.
            headers=None if managed and not server.children("real_ip_header") else sent_headers(root),
            managed=managed,
            where=root.where,
        )
    return list(by_server.values())


def body_limit(location: Directive) -> tuple[int, str]:
    """The largest request body in bytes (0: no limit), and the place that sets it."""
    directive = location.inherited("client_max_body_size")
    if not directive or not directive.args:
        return 1024**2, "nginx's default"
    match = re.fullmatch(r"(\d+)([kmg]?)", directive.args[0].lower())
    return int(match[1]) * UNITS.get(match[2], 1) if match else 0, directive.where


def sent_headers(block: Directive | None) -> tuple[tuple[str, str], ...]:
    """The request headers that nginx sets. A block inherits them only where it sets none itself."""
    while block and not block.children("proxy_set_header"):
        block = block.parent
    directives = block.children("proxy_set_header") if block else []
    return tuple((directive.args[0], directive.args[1]) for directive in directives if len(directive.args) == 2)
