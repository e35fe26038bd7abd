"""The project's settings, with the settings of the release on top."""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

_release = Path(__file__).resolve().parent.parent
# A project from a package index is in the virtual environment, which releases can share.
_places = (_release, Path(sys.prefix).resolve())
_data = Path(os.environ["GATEHOUSE_DATA_DIR"])
_project = vars(import_module(os.environ["GATEHOUSE_SETTINGS_MODULE"]))
globals().update({name: value for name, value in _project.items() if name.isupper()})


def _like(own, path):
    """Return *path* with the type of *own*: projects use `MEDIA_ROOT / "cache"` or `MEDIA_ROOT + "/cache"`."""
    return path if isinstance(own, Path) else str(path)


def _relocated(database):
    """Move a SQLite file out of the release, which is read-only and is removed later."""
    name = str(database.get("NAME") or "")
    # Custom backends usually have the name of their base backend in theirs.
    backend = database.get("ENGINE", "").lower()
    if not ("sqlite" in backend or "spatialite" in backend) or name.startswith((":", "file:")):
        return database
    path = Path(name).resolve()
    return (
        {**database, "NAME": _like(database["NAME"], _data / path.name)}
        if any(path.is_relative_to(place) for place in _places)
        else database
    )


STATIC_ROOT = _like(_project.get("STATIC_ROOT"), _release / "static")
STATIC_URL = _project.get("STATIC_URL") or "/static/"
MEDIA_ROOT = _like(_project.get("MEDIA_ROOT"), _data / "media")
MEDIA_URL = _project.get("MEDIA_URL") or "/media/"
DATABASES = {alias: _relocated(database) for alias, database in _project.get("DATABASES", {}).items()}
if not DATABASES.get("default"):
    DATABASES["default"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(_data / "db.sqlite3")}
SECRET_KEY = _project.get("SECRET_KEY") or os.environ.get("DJANGO_SECRET_KEY") or os.environ.get("SECRET_KEY", "")
if not _project.get("LOGGING") and "LOGGING_CONFIG" not in _project:
    # With DEBUG=False, Django's own configuration logs errors of requests to no console.
    LOGGING = {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"require_debug_false": {"()": "django.utils.log.RequireDebugFalse"}},
        "handlers": {
            "gatehouse": {"class": "logging.StreamHandler", "level": "ERROR", "filters": ["require_debug_false"]}
        },
        "loggers": {name: {"handlers": ["gatehouse"]} for name in ("django.request", "django.security")},
    }
# nginx sets the header on every request, and only nginx connects to the app's socket.
SECURE_PROXY_SSL_HEADER = _project.get("SECURE_PROXY_SSL_HEADER") or ("HTTP_X_FORWARDED_PROTO", "https")

globals().update(json.loads(os.environ["GATEHOUSE_SETTINGS"]))
