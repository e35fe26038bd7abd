# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Visit the first page of an app after a switch, also by way of the other names of its sites."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._app.pages import Pages
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host, read_host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import facts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import is_named

# The URL of a `return` that changes only the host, perhaps also scheme and port.
ANOTHER_HOST = re.compile(r"(?:https?|\$scheme)://([^/$:]+)(?::\d+|\$gatehouse_port)?\$request_uri")


def problems(run: Run, nginx: str | None, units: Units, identifier: str) -> list[str]:
    """Return a sentence for each problem of the first page of the release *identifier*; never raise.

    *nginx* is the path of the program, None where it is not installed.
    """
    try:
        host = read_host(run, facts.describe(run, nginx), None) if nginx else None
    # The configuration can be damaged. The visit is possible without it.
    except (OSError, ValueError):
        host = None
    return Pages(units, identifier, names_of(host, units.app.name) if host else None).problems()


def names_of(host: Host, app: str) -> Callable[[str], str]:
    """Return a function that returns the name under which *app* gets a visitor's request for a name.

    This is another name if nginx redirects the request, and an empty text for a name of another site.
    """
    served = [name for server, apps in host.apps_by_server.items() if app in apps for name in sites.real_names(server)]
    redirects = {
        name: target
        for server in host.apps_by_server
        for name, target in _redirects(server)
        if is_named(served, target) and name not in served
    }

    def find(name: str) -> str:
        # nginx prefers an exact name to a wildcard.
        if name not in redirects and is_named(served, name):
            return name
        return next((target for pattern, target in redirects.items() if is_named([pattern], name)), "")

    return find


def _redirects(server: Directive) -> Iterator[tuple[str, str]]:
    given = sites.final_location(server, "/").inherited("return")
    if given and given.args and (match := ANOTHER_HOST.fullmatch(given.args[-1])):
        for name in sites.real_names(server):
            yield name, match[1].lower()
