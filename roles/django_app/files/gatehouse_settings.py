"""The project's settings, with what a release decides laid over them."""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

_release = Path(__file__).resolve().parent.parent
# A project from a package index lies in the virtual environment, which releases may share.
_places = (_release, Path(sys.prefix).resolve())
_data = Path(os.environ["GATEHOUSE_DATA_DIR"])
_project = vars(import_module(os.environ["GATEHOUSE_SETTINGS_MODULE"]))
globals().update({name: value for name, value in _project.items() if name.isupper()})


def _like(own, path):
    """Projects go on with `MEDIA_ROOT / "cache"` if theirs is a Path, with `MEDIA_ROOT + "/cache"` if it is text."""
    return path if isinstance(own, Path) else str(path)


def _relocated(database):
    """A SQLite file inside of a release would be lost with it, and could not be written to."""
    name = str(database.get("NAME") or "")
    # Projects have backends of their own, which are called like the one that they are made from.
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
# nginx sets the header on every request, and nothing else reaches the app's socket.
SECURE_PROXY_SSL_HEADER = _project.get("SECURE_PROXY_SSL_HEADER") or ("HTTP_X_FORWARDED_PROTO", "https")

globals().update(json.loads(os.environ["GATEHOUSE_SETTINGS"]))
