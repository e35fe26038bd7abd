# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option `database` of an app: validate it, and derive the database and its URL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict
from urllib.parse import urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Options
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.remote_services import host_of
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.unit_options import is_within

ENGINE = "postgresql"
KEYS = ("engine", "host", "extensions", "connections", "adopt")
VARIABLE = "DATABASE_URL"
EXTENSION = re.compile(r"[a-z][a-z0-9_-]{0,62}")
# Roles of PostgreSQL's own, and the user of the host that runs it.
RESERVED = re.compile(r"postgres|template[01]|public|none|pg_.*")
SOCKETS = re.compile(r"(?:|%2[Ff]\S*postgresql)")
# The scheme and the extension of Django's spatial backend: dj-database-url and django-environ choose it by the scheme.
SPATIAL = "postgis"
# Only the superuser may read all of their tables, so the app's role cannot dump a database that has them.
UNREADABLE = ("address_standardizer_data_us",)
# Their scripts find what other extensions made by the search_path. For the superuser that is pg_catalog.
UNSUPPORTED = ("postgis_tiger_geocoder", "postgis_topology")
# The options that dump the database, and how to do without each.
DUMPING = {
    "backup": "remove 'backup'",
    "migration_snapshots": "set 'migration_snapshots: false'",
    "rehearse": "remove 'rehearse'",
}
MAX_CONNECTIONS = 10_000
# A worker of gunicorn's ASGI gives each request that uses the database a thread, and so a connection.
ASGI_REQUESTS = 20
# For migrations, checks, `manage` and an operator's own session.
OTHER_CONNECTIONS = 10


class Database(TypedDict):
    """An element of `postgresql_databases` of the role postgresql."""

    name: str
    extensions: list[str]
    connections: int
    adopt: bool
    remote: bool


def of_database(options: Mapping[str, Any]) -> Iterator[str]:
    """Check the option `database`, and what contradicts it. Never quote a URL: it can contain a password."""
    given, name = options.get("database") or "", str(options.get("name") or "")
    if not given:
        return
    entry = {"engine": given} if isinstance(given, str) else given
    if not isinstance(entry, Mapping):
        yield f"database: must be '{ENGINE}', or a dictionary like {{engine: {ENGINE}, extensions: [pg_trgm]}}."
        return
    yield from of_keys(entry)
    yield from of_unreadable(entry, options)
    if RESERVED.fullmatch(name):
        yield f"database: '{name}' is a name of PostgreSQL's own. Give the app another name."
    for option in ("environment", "secrets"):
        url = (options.get(option) or {}).get(VARIABLE)
        if url is not None and host_of(entry):
            yield (
                f"{option}: {VARIABLE} is made by the option database, with a generated password. Remove {VARIABLE}, "
                "or for a server that exists, remove the option database."
            )
        elif url is not None and not is_same(str(url), name):
            yield (
                f"{option}: {VARIABLE} names another database than {ENGINE}:///{name}, which the option database makes "
                f"on the host. Remove {VARIABLE}, or the option database."
            )


def of_keys(entry: Mapping[str, object]) -> Iterator[str]:
    """Check the keys of the dictionary."""
    for key in entry:
        if key == "url":
            yield f"database: for the URL of a server that exists, write {VARIABLE} in secrets instead of database."
        elif key not in KEYS:
            yield f"database: {unknown(key, KEYS)}"
    if entry.get("engine") != ENGINE:
        yield (
            f"database: engine '{entry.get('engine', '')}' is not supported. Use '{ENGINE}'. Without the option "
            f"database, an app has SQLite, or what {VARIABLE} in environment or secrets names."
        )
    host = entry.get("host", "")
    if "host" in entry and (not isinstance(host, str) or not host):
        yield f"database: host '{host}' must be the name of a host of the inventory. Remove it for the app's own host."
    extensions = entry.get("extensions") or []
    if not isinstance(extensions, list):
        yield f"database: extensions must be a list, like [pg_trgm], not '{extensions}'."
        extensions = []
    for extension in extensions:
        if not EXTENSION.fullmatch(str(extension)):
            yield f"database: '{extension}' is not the name of an extension of PostgreSQL, like 'pg_trgm'."
        elif extension in UNSUPPORTED:
            yield (
                f"database: extension '{extension}' is not supported. Its script needs a search_path with functions of "
                "others, which an app could replace by its own, and the superuser would run them. Remove it."
            )
    connections = entry.get("connections", 1)
    if not is_within(connections, 1, MAX_CONNECTIONS):
        yield f"database: connections '{connections}' must be a whole number from 1 to {MAX_CONNECTIONS}."
    if not isinstance(entry.get("adopt", False), bool):
        yield f"database: adopt '{entry['adopt']}' must be true or false."


def of_unreadable(entry: Mapping[str, object], options: Mapping[str, object]) -> Iterator[str]:
    """Check that each database that is dumped can be."""
    extensions = entry.get("extensions")
    dumping = [remedy for option, remedy in DUMPING.items() if options.get(option)]
    if not dumping or not isinstance(extensions, list):
        return
    for extension in sorted({*UNREADABLE} & {*map(str, extensions)}):
        yield (
            f"database: a database with the extension '{extension}' cannot be dumped, because only PostgreSQL's "
            f"superuser may read its tables. Remove the extension, or {' and '.join(dumping)}."
        )


def is_same(url: str, name: str) -> bool:
    """Return whether *url* is another form of the URL of the database *name* over the unix socket."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return False
    is_postgresql = parts.scheme.startswith(("postgres", "pgsql", "psql", SPATIAL))
    return is_postgresql and parts.path == f"/{name}" and SOCKETS.fullmatch(host) is not None and not parts.password


def environment(params: Options) -> dict[str, object]:
    """Return the variables of the app, with that of its database on the same host unless the inventory sets it.

    dj-database-url, django-environ and libpq read this form, and connect over the unix socket of the host's server.
    """
    given = params["environment"]
    if not params["database"] or host_of(params["database"]) or VARIABLE in given or VARIABLE in params["secrets"]:
        return given
    name = params["app"]
    return {**given, VARIABLE: f"{scheme(params)}://{name}@/{name}"}


def scheme(params: Options) -> str:
    """Return the scheme of the database's URL."""
    return SPATIAL if SPATIAL in (_entry(params).get("extensions") or []) else ENGINE


def database(params: Options, cpus: int, hosts: int = 1) -> Database:
    """Return the database that an app needs on a host with *cpus* CPUs, or on several *hosts* like it."""
    entry = _entry(params)
    return {
        "name": params["app"],
        "extensions": list(map(str, entry.get("extensions") or [])),
        "connections": int(entry.get("connections") or hosts * connections(params, cpus)),
        "adopt": entry.get("adopt", False),
        "remote": bool(host_of(params["database"])),
    }


def connections(params: Options, cpus: int) -> int:
    """Return how many connections an app can need: two releases during a switch, and its processes and timers.

    A process like Celery's worker starts as many processes as the host has CPUs.
    """
    threads = params["threads"] if params["interface"] == "wsgi" else ASGI_REQUESTS
    web = (params["workers"] or cpus + 1) * threads
    return 2 * web + len(params["processes"]) * (cpus + 2) + 2 * len(params["timers"]) + OTHER_CONNECTIONS


def _entry(params: Options) -> Mapping[str, Any]:
    given = params["database"]
    return {"engine": given} if isinstance(given, str) else given
