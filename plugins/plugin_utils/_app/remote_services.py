# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of an app on other hosts of the inventory: which hosts these are, and the URLs that lead there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict
from urllib.parse import quote, urlencode

from ansible.errors import AnsibleError
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Options
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import is_address
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import AUTHORITIES_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.addresses import ADDRESS, address_of, text
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import Groups, is_on

# The options of an app whose key `host` names the host of the service.
KINDS = ("database", "cache", "broker")
# The variables that the role makes for each of them.
VARIABLES = {
    "database": ("DATABASE_URL",),
    "cache": ("CACHE_URL", "REDIS_URL"),
    "broker": ("BROKER_URL", "REDIS_URL"),
}
# In the name of a file on the app's host.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
# A server that is gone must not keep visitors waiting: libpq waits without end, and TCP for up to 15 minutes.
LIMITS = {
    **{"connect_timeout": 5, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3},
    "tcp_user_timeout": 30000,  # milliseconds
}

VALKEY_LIMITS = {"socket_connect_timeout": 5}


class Service(TypedDict):
    """A service on another host, as the role uses it."""

    host: str  # its host in the inventory
    address: str  # the name or address by which apps reach that host
    own_address: str  # gatehouse_address of the app's host; empty if it has none
    authority: str  # the file with the certificate of the host's authority, on the app's host
    hosts: list[str]  # the hosts whose access is kept
    others: list[str]  # the other hosts that have the app with this service
    instance: NotRequired[dict[str, str]]  # of Valkey, in the form of module valkey_instances


def host_of(given: object) -> str:
    """Return the key `host` of an option like `database`; empty if the service is on the app's own host."""
    return str(given.get("host") or "") if isinstance(given, Mapping) else ""


def services(params: Options, variables: Mapping[str, Any]) -> dict[str, Service]:
    """Return the services of an app on other hosts by option. *variables* are those of the task on the app's host.

    Raise ValueError with what is wrong, before anything changes.
    """
    wanted = {kind: host_of(params.get(kind)) for kind in KINDS if host_of(params.get(kind))}
    if not wanted:
        return {}
    here, hostvars, names = (
        str(variables["inventory_hostname"]),
        variables["hostvars"],
        list(variables["groups"]["all"]),
    )
    found = list(_problems(wanted, here, hostvars, names))
    if found:
        raise ValueError("\n".join([f"Refused, nothing was changed. App '{params['app']}':", *found]))
    made: dict[str, Service] = {}
    app = str(params["app"])
    for kind, host in wanted.items():
        groups = variables["groups"]
        known = {name: _has(hostvars[name], name, groups, app, kind, host) for name in names if name != here}
        made[kind] = {
            "host": host,
            "address": address_of(hostvars[host], host),
            "own_address": text(hostvars[here], ADDRESS),
            "authority": f"{AUTHORITIES_DIRECTORY}/{host}.pem",
            # Another inventory, or a play with the role alone, does not say which apps a host has.
            "hosts": sorted([here, *(n for n, has in known.items() if has is not False or _serves(n, app, variables))]),
            "others": sorted(name for name, has in known.items() if has),
        }
    return made


def _problems(wanted: Mapping[str, str], here: str, hostvars: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    for kind, host in wanted.items():
        if host not in names:
            nearest = unknown(host, names, "host")
            yield (
                f"{kind}: {nearest} host must be a host of the inventory: add it. For a server that "
                "Ansible does not manage, remove the option and write its URL in secrets."
            )
        elif not NAME.fullmatch(host):
            yield f"{kind}: host '{host}' cannot be the name of a file. Name the host by letters, digits, '.' and '-'."
    own = text(hostvars[here], ADDRESS)
    if own and not is_address(own):
        yield f"{ADDRESS}: '{own}' of '{here}' must be the IP address from which this host reaches the others."


def _has(variables: Mapping[str, object], name: str, groups: Groups, app: str, kind: str, host: str) -> bool | None:
    """Return whether the host *name* has the *app* with its service on *host*; None if its variables do not say so."""
    try:
        entries = plain(variables.get("django_apps"))
    except AnsibleError:
        # A variable that only its own play defines.
        return None
    if not isinstance(entries, list):
        return None
    return any(
        isinstance(one, Mapping)
        and one.get("name") == app
        and one.get("state") != "absent"
        and host_of(one.get(kind)) == host
        and is_on(one, name, groups, f"App '{app}'")
        for one in entries
    )


def _serves(name: str, app: str, variables: Mapping[str, Any]) -> bool:
    """Return whether a host that the app does not belong on may serve it until the balancers stop asking it.

    A host of the play says so, as the playbook `site` registers it. The others are as they were.
    """
    if name not in variables.get("ansible_play_hosts_all", [name]):
        return True
    return app in ((variables["hostvars"][name].get("__here") or {}).get("installed") or [])


def database_url(app: str, scheme: str, service: Service, password: str) -> str:
    """Return the URL of a database. dj-database-url, django-environ and libpq read the query as options of libpq."""
    query = {"sslmode": "verify-full", "sslrootcert": service["authority"], **LIMITS}
    return f"{scheme}://{app}:{quote(password, safe='')}@{bracketed(service['address'])}/{app}?{encoded(query)}"


def valkey_urls(app: str, services: Mapping[str, Service], given: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the URLs of a cache and a broker by variable. *given* has the password and the port of each.

    The words of the query differ (tried with redis-py 8.1, kombu and Celery 5.7, django-environ 0.14): redis-py and
    Django's RedisCache take `required`, older versions of kombu only the name of Python's constant.
    """
    found: dict[str, str] = {}
    for kind in ("cache", "broker"):
        if kind not in services or kind not in given:
            continue
        service, one = services[kind], given[kind]
        login = f"{app}:{quote(one['password'], safe='')}@{bracketed(service['address'])}:{int(one['port'])}"
        query = {"ssl_ca_certs": service["authority"], "ssl_check_hostname": True, **VALKEY_LIMITS}
        redis = f"rediss://{login}/0?{encoded({'ssl_cert_reqs': 'required', **query})}"
        kombu = (
            f"rediss://{login}/0?{encoded({'ssl_cert_reqs': 'CERT_REQUIRED', 'ssl_ca_certs': service['authority']})}"
        )
        found |= {"CACHE_URL": redis} if kind == "cache" else {"BROKER_URL": kombu}
        # As for instances on the app's own host, it leads to the broker, which loses nothing, if there is one.
        found["REDIS_URL"] = redis
    return found


def encoded(query: Mapping[str, object]) -> str:
    """Return a query of a URL, with paths as they are."""
    return urlencode(query, safe="/")


def bracketed(address: str) -> str:
    """Return a name or an address as the host of a URL (RFC 3986)."""
    return f"[{address}]" if ":" in address else address
