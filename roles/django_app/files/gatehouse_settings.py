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


def _checked(database):
    """Check a connection to PostgreSQL that is kept between requests before each request.

    Otherwise each thread would answer one request with an error after the server was restarted.
    """
    is_kept = "postg" in database.get("ENGINE", "").lower() and database.get("CONN_MAX_AGE", 0) != 0
    return {**database, "CONN_HEALTH_CHECKS": True} if is_kept else database


def _below(url):
    """Return *url* below the prefix. That of another host, or the name of a URL pattern, stays as it is."""
    if not _prefix or not isinstance(url, str) or not url.startswith("/") or url.startswith("//"):
        return url
    return url if f"{url}/".startswith(_prefix) else f"{_prefix}{url[1:]}"


def _files_url(url):
    """Return STATIC_URL or MEDIA_URL. Django would add the prefix to a relative one, and remembers the first result."""
    return _below(f"/{url}" if _prefix and "://" not in url and not url.startswith("/") else url)


# The path below which a site serves the app, like `/shop/`; empty for the whole site.
_prefix = os.environ.get("GATEHOUSE_PREFIX", "")
STATIC_ROOT = _like(_project.get("STATIC_ROOT"), _release / "static")
STATIC_URL = _files_url(_project.get("STATIC_URL") or "/static/")
MEDIA_ROOT = _like(_project.get("MEDIA_ROOT"), _data / "media")
MEDIA_URL = _files_url(_project.get("MEDIA_URL") or "/media/")
DATABASES = {alias: _checked(_relocated(database)) for alias, database in _project.get("DATABASES", {}).items()}
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
if _prefix:
    # Without a request as well: for management commands, workers and URLs that are made while modules are imported.
    FORCE_SCRIPT_NAME = _prefix.rstrip("/")
    LOGIN_URL = _below(_project.get("LOGIN_URL", "/accounts/login/"))
    LOGIN_REDIRECT_URL = _below(_project.get("LOGIN_REDIRECT_URL", "/accounts/profile/"))
    LOGOUT_REDIRECT_URL = _below(_project.get("LOGOUT_REDIRECT_URL"))
    # A browser also sends the session of the app at `/`, and Django reads the last cookie of a name. The apps share the
    # cookie for CSRF: it is a random value of no app, and scripts read it by its name.
    SESSION_COOKIE_NAME = _project.get("SESSION_COOKIE_NAME") or f"sessionid_{os.environ['GATEHOUSE_APP']}"
    SESSION_COOKIE_PATH = _project.get("SESSION_COOKIE_PATH") or _prefix

globals().update(json.loads(os.environ["GATEHOUSE_SETTINGS"]))
