"""The settings of a release for a process that works on copies of the data: no mail, no shared cache, no tasks sent.

`GATEHOUSE_COPIES` has, in JSON, what to connect to in the place of each live database of PostgreSQL: by the aliases of
the release that is rehearsed, and by names for another release, which may have other aliases.
SQLite needs nothing: the process sees another data directory. The unit has no network, whatever the settings say.
"""

import json
import os
from importlib import import_module

_copies = json.loads(os.environ["GATEHOUSE_COPIES"])
_release = vars(import_module("gatehouse_settings"))
globals().update({name: value for name, value in _release.items() if name.isupper()})
# Options that would lead to another server, or that no connection over the socket has (libpq, "Parameter Key Words"),
# and the one of Django for another role.
_ELSEWHERE = {
    *("service", "passfile", "host", "hostaddr", "port", "user", "password"),
    *("channel_binding", "require_auth", "target_session_attrs", "assume_role"),
}


def _copied(alias, database):
    """Return an entry of DATABASES with the copy in the place of the live database."""
    is_postgresql = "postg" in str(database.get("ENGINE") or "").lower()
    name = str(database.get("NAME") or "")
    copy = _copies["aliases"].get(alias) or _copies["names"].get(name) if is_postgresql else None
    # There is no network: the copy is reached over the unix socket, also if the live database is at `localhost`.
    host = str(database.get("HOST") or "")
    options = {name: one for name, one in (database.get("OPTIONS") or {}).items() if name not in _ELSEWHERE}
    place = {"HOST": host if host.startswith("/") else "", "PASSWORD": "", "OPTIONS": options}
    return {**database, **place, **copy} if copy else database


DATABASES = {alias: _copied(alias, database) for alias, database in _release["DATABASES"].items()}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
CACHES = {
    alias: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": alias}
    for alias in ("default", *_release.get("CACHES", {}))
}
if "CHANNEL_LAYERS" in _release:
    CHANNEL_LAYERS = {
        alias: {"BACKEND": "channels.layers.InMemoryChannelLayer"} for alias in _release["CHANNEL_LAYERS"]
    }
# Celery keeps what is sent in the memory of this process, with which it ends.
globals().update({name: "memory://" for name in _release if name.endswith("BROKER_URL")})
