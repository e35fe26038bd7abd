# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that a project's own Python runs as the project's user: reports in JSON which data the project has.

It imports the settings and nothing else of the project. It may use only the standard library and Django. Its argument
is the module of the WSGI or ASGI application, which names the settings module where the environment does not.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

NAMED = re.compile(r"DJANGO_SETTINGS_MODULE['\"]\s*[,\]]\s*=?\s*['\"]([\w.]+)['\"]")
SECONDS = 20


def settings_module(application: str) -> str:
    """The settings module that the application's module, or else manage.py, sets."""
    spec = find_spec(application) if application else None
    for path in (spec.origin if spec else "", "manage.py"):
        if path and os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                found = NAMED.search(file.read(1 << 20))
            if found:
                return found[1]
    return ""


def size(path: str) -> int:
    """Bytes of a file or of all files below a directory, -1 if there is none."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    if not os.path.isdir(path):
        return -1
    found = 0
    for directory, _directories, names in os.walk(path):
        for name in names:
            try:
                found += os.lstat(os.path.join(directory, name)).st_size
            except OSError:
                continue
    return found


def database(given: dict[str, object]) -> dict[str, object]:
    """What names a database; no user and no password."""
    name = str(given.get("NAME") or "")
    engine = str(given.get("ENGINE") or "")
    is_file = ("sqlite" in engine.lower() or "spatialite" in engine.lower()) and not name.startswith((":", "file:"))
    path = os.path.abspath(name) if is_file and name else ""
    return {
        **{"engine": engine, "name": path or name, "is_file": bool(path), "size": size(path) if path else 0},
        **{key.lower(): str(given.get(key) or "") for key in ("HOST", "PORT")},
    }


def stop(_signal: int, _frame: object) -> None:
    """Raise TimeoutError when the time is over."""
    raise TimeoutError(f"not done after {SECONDS} seconds")


def main() -> None:
    """Print the report; the output of the project goes to standard error."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    answer: dict[str, Any] = {}
    try:
        if not os.environ.get("DJANGO_SETTINGS_MODULE"):
            os.environ["DJANGO_SETTINGS_MODULE"] = settings_module(sys.argv[1])
        settings = import_module("django.conf").settings
        media = str(settings.MEDIA_ROOT or "")
        media = os.path.abspath(media) if media else ""
        answer["module"] = os.environ["DJANGO_SETTINGS_MODULE"]
        answer["databases"] = {alias: database(given) for alias, given in settings.DATABASES.items()}
        answer["media"] = {"path": media, "size": size(media) if media else -1}
        # The key itself stays here.
        answer["key"] = hashlib.sha256(str(settings.SECRET_KEY).encode()).hexdigest()
    # Settings may also call sys.exit(). The message of an error may contain a secret.
    except BaseException as error:
        answer = {"error": f"{type(error).__name__}"}
        if isinstance(error, (ImportError, SyntaxError, NameError, AttributeError, TimeoutError)):
            answer["error"] += f": {error}"
    signal.alarm(0)
    output.write("\n" + json.dumps(answer) + "\n")
    output.flush()
    # A thread that the settings started must not keep the process running.
    os._exit(0)


if __name__ == "__main__":
    main()
