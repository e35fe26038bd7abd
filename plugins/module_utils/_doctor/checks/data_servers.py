# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers of an app's data that it cannot use: its database, and its cache and broker on other hosts."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._app import service_access
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.data_servers import asking, explanation, local
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.data_servers.asking import Server
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.reading import Run

# What a driver says if the host's own server is the reason, and not what the app asks of it.
OF_THE_SERVER = ("No space left", "could not write init file", "Connection refused", "No such file", "database system")


def check_data_servers(host: Host, site: str, app: str, run: Run = asking.run_limited) -> list[Finding]:
    """Return a finding for each server of *app* that it cannot use, the same to each caller of one diagnosis."""
    if app not in host.data_servers:
        host.data_servers[app] = _check(host, site, app, run) if os.path.isdir(App(app).link) else []
    return host.data_servers[app]


def _check(host: Host, site: str, app: str, run: Run) -> list[Finding]:
    made = {
        (one["address"], one["port"]): one["host"]
        for one in service_access.elsewhere(systemd.environment(os.path.join(App(app).link, "env")))
    }
    found: list[Finding] = []
    for server in asking.servers(App(app), run):
        if server.kind != "database" and local.is_local(host, server.host):
            # The checks of instances and of workers say which unit of this host does not run.
            continue
        if server.vendor == "postgresql" and local.is_local(host, server.host):
            found += _local(host, site, app, server)
        elif server.error:
            port = server.port or explanation.PORTS.get(server.vendor, "")
            found.append(_explained(site, app, server, made.get((server.host, port), "")))
    # Several databases of one server have one cause.
    return list({(one.cause.partition(" It gets: ")[0], one.remedy): one for one in found}.values())


def _local(host: Host, site: str, app: str, server: Server) -> list[Finding]:
    state = local.examine(host)
    is_of_server = not server.error or any(words in server.error for words in OF_THE_SERVER)
    if state.is_space and is_of_server:
        return [Finding(site, f"PostgreSQL of this host has no space for app {app}: {state.cause}.", state.remedy)]
    if server.error and state.cause and is_of_server:
        return [Finding(site, f"The database of app {app} does not run: {state.cause}.", state.remedy)]
    return [_explained(site, app, server, "")] if server.error else []


def _explained(site: str, app: str, server: Server, inventory_name: str) -> Finding:
    cause, remedy, host = explanation.explain(app, server, inventory_name)
    return Finding(site, cause, remedy, host=host)
