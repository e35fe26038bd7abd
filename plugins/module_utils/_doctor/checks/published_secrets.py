# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that a hand-made site publishes although they hold code, secrets or a database.

The same files make nginx_config refuse an alias of its own sites. nginx's answer to such a file proves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import places, sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import ask
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import request_to
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.alias_guard import private_file
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

SECONDS = 10.0


def check_published(host: Host, is_meant: Callable[[Directive], bool]) -> Iterator[Finding]:
    """One finding for each such directory of the meant sites."""
    seen: set[tuple[str, str]] = set()
    for listen in host.listens:
        server = listen.server
        if not is_meant(server) or host.is_managed(server):
            continue
        for location, path, directory in _directories(server):
            name = private_file(directory)
            key = sites.title(server), directory
            if name and key not in seen and is_sent(host, server, f"{path.rstrip('/')}/{name}"):
                seen.add(key)
                url = f"{path.rstrip('/')}/{name}"
                yield Finding(
                    sites.title(server),
                    f"Any visitor can download {directory.rstrip('/')}/{name}: nginx answers 200 to {url} "
                    f"({location.where}), and the directory has the code or the data of a project.",
                    f"Let {location.where} name a directory with nothing but files to publish, such as STATIC_ROOT, "
                    f"then {places.RELOAD}. Replace the secrets in that file: they may be known.",
                )


def is_sent(host: Host, server: Directive, path: str) -> bool:
    """Whether nginx sends the file of that path. Its content is not requested."""
    request = request_to(host, server, quote(path))
    return request is not None and ask(request, [], SECONDS, method="HEAD").status == 200


def _directories(server: Directive) -> Iterator[tuple[Directive, str, str]]:
    for location, path, directory in (*sites.alias_locations(server), *sites.root_locations(server)):
        if not location.own("internal") and not location.inherited("deny"):
            yield location, path, directory
    root = server.own("root")
    if root and root.args and "$" not in root.args[0] and sites.final_location(server, "/") is server:
        yield server, "/", root.args[0]
