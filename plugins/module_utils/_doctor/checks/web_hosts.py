# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The web hosts that a balancer cannot use. Visitors do not notice one of them: the others answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import web_hosts
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import proxy_locations
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import modifier


def check_web_hosts(host: Host, is_meant: Callable[[Directive], bool]) -> Iterator[Finding]:
    """Ask each web host of each site for the first page of each app."""
    for listen in host.listens:
        prefixes = [
            (path, location)
            for location in (proxy_locations(listen.server) if is_meant(listen.server) else ())
            for kind, path in [modifier(location)]
            if kind in ("", "^~")
        ]
        asked: set[tuple[str, ...]] = set()
        # The shortest prefix that leads to a group of hosts is that of the app.
        for path, location in sorted(prefixes, key=lambda one: len(one[0])):
            page = web_hosts.page_of(listen.server, location, path, tls=listen.tls)
            if page and page.addresses not in asked:
                asked.add(page.addresses)
                yield from web_hosts.examine(host, page)
