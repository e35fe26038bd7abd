# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options `cache` and `broker` of an app: what is wrong with them, and the variables that the app gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.remote_services import host_of

ENGINE = "valkey"
KEYS = ("engine", "host", "memory")
# The names, and how a URL leads to a socket, in the words of the libraries that read them:
# - CACHE_URL: django-environ and django-cache-url turn `redis:///path` into a LOCATION with the scheme `unix`.
# - BROKER_URL: kombu, which Celery uses, knows sockets as `redis+socket`.
# - REDIS_URL: redis-py, and so LOCATION of Django's RedisCache, RQ, Huey, Dramatiq and channels_redis.
URLS = {"cache": ("CACHE_URL", "redis://{socket}"), "broker": ("BROKER_URL", "redis+socket://{socket}")}
REDIS_URL = "unix://{socket}?db=0"


def of_valkey(options: Mapping[str, Any]) -> Iterator[str]:
    """Check both options, and the variables that the inventory sets itself. Never quote a value of those."""
    for kind in valkey.KINDS:
        given = options.get(kind) or {}
        yield from (f"{kind}: {problem}" for problem in _of_one(given))
        name = URLS[kind][0]
        path = valkey.socket(valkey.instance(str(options.get("name") or ""), kind))
        for option in ("environment", "secrets"):
            value = (options.get(option) or {}).get(name)
            if host_of(given) and value is not None:
                yield (
                    f"{kind}: {option} sets {name}, but {kind} makes it, with a generated password. Remove {name}; or, "
                    f"for a server that exists, the option {kind}."
                )
            elif given and value is not None and path not in str(value):
                yield (
                    f"{kind}: {option} sets {name} to another address than that of the app's own {kind} ({path}). "
                    f"Remove one of them."
                )


def _of_one(given: object) -> Iterator[str]:
    if not given or given == ENGINE:
        return
    if not isinstance(given, Mapping):
        yield f"'{given}' is not known. Write '{ENGINE}', or {{engine: {ENGINE}, memory: {valkey.DEFAULT_MEMORY}}}."
        return
    host = given.get("host", "")
    if "host" in given and (not isinstance(host, str) or not host):
        yield f"host '{host}' must be the name of a host of the inventory. Remove it for the app's own host."
    yield from (unknown(str(key), KEYS) for key in given if key not in KEYS)
    if given.get("engine") != ENGINE:
        yield f"engine '{given.get('engine') or ''}' is not known. Write 'engine: {ENGINE}'."
    try:
        valkey.parse_memory(str(given.get("memory", valkey.DEFAULT_MEMORY)))
    except ValueError as error:
        yield f"{error}."


def instances(options: Mapping[str, object]) -> list[dict[str, str]]:
    """Return the instances on the app's own host, as role valkey takes them."""
    kinds = (kind for kind in valkey.KINDS if options.get(kind) and not host_of(options[kind]))
    return [{**_instance(options, kind), "group": str(options["app"])} for kind in kinds]


def remote_instances(options: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """Return the instances on other hosts by kind. Only root enters the directory of such a socket."""
    kinds = (kind for kind in valkey.KINDS if host_of(options.get(kind)))
    return {kind: {**_instance(options, kind), "group": "root"} for kind in kinds}


def _instance(options: Mapping[str, object], kind: str) -> dict[str, str]:
    given = options[kind]
    memory = given.get("memory") if isinstance(given, Mapping) else None
    name = valkey.instance(str(options["app"]), kind)
    return {"name": name, "kind": kind, "memory": str(memory or valkey.DEFAULT_MEMORY)}


def environment(options: Mapping[str, object]) -> dict[str, str]:
    """Return the variables that lead to the instances on the app's own host.

    REDIS_URL leads to the broker, which loses nothing, if there is one.
    """
    paths = {one["kind"]: valkey.socket(one["name"]) for one in instances(options)}
    found = {URLS[kind][0]: URLS[kind][1].format(socket=path) for kind, path in paths.items()}
    if paths and not host_of(options.get("broker")):
        found["REDIS_URL"] = REDIS_URL.format(socket=paths.get("broker") or paths["cache"])
    return found


def units(options: Mapping[str, object]) -> list[str]:
    """Return the units of the instances, of each program that the host may have."""
    return [engine.unit(one["name"]) for one in instances(options) for engine in valkey.ENGINES]
