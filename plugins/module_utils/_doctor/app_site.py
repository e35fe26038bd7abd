# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The apps of role django_app as nginx serves them, for the comparison with their projects' settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import app_name, proxy_locations
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import Listen, modifier

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
    # The path below which nginx passes requests to the app.
    prefix: str = "/"

    def inventory_remedy(self, option: str) -> str:
        """The remedy that sets an option of the site."""
        return f"Write in the site's entry of django_sites: `{option}`."

    def nginx_remedy(self, directive: str, place: str = "in the location at") -> str:
        """The remedy that adds a directive to nginx's configuration."""
        if self.managed:
            return f"Write in `snippet` of the site's entry of django_sites: `{directive}`."
        return f"Write {place} {self.where}: `{directive}`, then `systemctl reload nginx`."


def app_sites(listens: Sequence[Listen], conf_dir: str) -> list[AppSite]:
    """One record for each app that a server block passes requests to."""
    by_server: dict[Directive, list[AppSite]] = {}
    # Of a server's addresses, the one with TLS is the one that visitors are meant to use. A balancer uses both alike.
    for listen in sorted(listens, key=lambda listen: listen.tls == bool(sites.balancer_names(listen.server))):
        server = listen.server
        if server not in by_server and sites.real_names(server):
            by_server[server] = _of_server(listen, conf_dir)
    return [site for found in by_server.values() for site in found]


def _of_server(listen: Listen, conf_dir: str) -> list[AppSite]:
    server, roots = listen.server, _roots(listen.server)
    managed = server.path.startswith(f"{conf_dir}/gatehouse/")
    all_files = [*sites.alias_locations(server), *sites.root_locations(server)]
    found = []
    for app, (prefix, root) in roots.items():
        files = [one for one in all_files if _owner(roots, one[1]) in (app, "")]
        site = AppSite(
            site=sites.title(server),
            names=tuple(f"[{name}]" if ":" in name else name for name in sites.real_names(server)),
            tls=listen.tls,
            port=listen.port,
            locations=tuple((path, directory) for _location, path, directory in files),
            client_max_body_size=body_limit(root)[0],
            app=app,
            internal=tuple(path for location, path, _directory in files if location.own("internal")),
            optional=tuple(path for location, path, _directory in files if location.own("try_files")),
            # A site with the option `behind` sets some of them itself.
            headers=None if managed and not server.children("real_ip_header") else sent_headers(root),
            managed=managed,
            where=root.where,
            prefix=prefix,
        )
        found.append(site)
    return found


def _roots(server: Directive) -> dict[str, tuple[str, Directive]]:
    """By app, the shortest path below which *server* passes requests to it, and the location; that of ``/`` first."""
    first = sites.final_location(server, "/")
    found = {app_name(first): ("/", first)} if app_name(first) else {}
    to_app = [location for location in proxy_locations(server) if app_name(location)]
    for location in sorted(to_app, key=lambda one: len(modifier(one)[1])):
        kind, path = modifier(location)
        # One with a regular expression says nothing of a prefix.
        prefix = f"{path.rstrip('/')}/" if kind in ("", "^~", "=") else "/"
        found.setdefault(app_name(location), (prefix, location))
    return found


def _owner(roots: Mapping[str, tuple[str, Directive]], path: str) -> str:
    """The app below whose prefix *path* is, empty for none."""
    around = {prefix: app for app, (prefix, _location) in roots.items() if path.startswith(prefix)}
    return around[max(around, key=len)] if around else ""


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
