# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the services of an app that has several hosts, and make the variables that lead to those on other hosts."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Options
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import (
    database_options,
    remote_services,
    valkey_options,
)


def check_services(params: Options) -> None:
    """Raise ValueError for a service that each of several hosts would have for itself."""
    for kind, engine in (("database", database_options.ENGINE), ("broker", valkey_options.ENGINE)):
        if params.get(kind) and not remote_services.host_of(params.get(kind)):
            raise ValueError(
                f"Refused, nothing was changed. App '{params['app']}':\n{kind}: each of the app's hosts would have one "
                f"of its own. Name the host of one for all: {kind}: {{engine: {engine}, host: db1.example.com}}."
            )


def urls(params: Options, services: dict[str, remote_services.Service]) -> dict[str, str]:
    """Return the variables that lead to services on other hosts, as far as the role has their passwords."""
    given = params["services"]
    found = remote_services.valkey_urls(params["app"], services, given)
    if "REDIS_URL" in found and "broker" not in services and params["broker"]:
        # That of the broker on the app's own host.
        del found["REDIS_URL"]
    if "database" in services and "database" in given:
        app, scheme = params["app"], database_options.scheme(params)
        url = remote_services.database_url(app, scheme, services["database"], given["database"]["password"])
        found[database_options.VARIABLE] = url
    return found
