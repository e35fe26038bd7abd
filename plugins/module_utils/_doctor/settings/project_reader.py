# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that the app's own Python runs as the app: reports in JSON the settings that matter to visitors.

It imports the settings and nothing else of the project: `django.setup()` would open its log files. It may use only the
standard library and Django.
"""

from __future__ import annotations

import json
import os
import re
import signal
import traceback
from importlib import import_module
from types import FrameType
from typing import Any

NAMES = (
    *("SECURE_PROXY_SSL_HEADER", "SECURE_SSL_REDIRECT", "SECURE_SSL_HOST", "ALLOWED_HOSTS", "DEBUG"),
    *("USE_X_FORWARDED_HOST", "CSRF_TRUSTED_ORIGINS", "CSRF_COOKIE_SECURE", "CSRF_USE_SESSIONS"),
    *("SESSION_COOKIE_SECURE", "MIDDLEWARE", "INSTALLED_APPS", "DATA_UPLOAD_MAX_MEMORY_SIZE"),
    *("STATIC_URL", "STATIC_ROOT", "MEDIA_URL", "MEDIA_ROOT"),
)
SECONDS = 20
# The largest number of file names that it reports, and of directories that it reads.
FILES = 500
HIDDEN = "********"
# Their values are paths and names; any other variable may hold a secret.
PUBLIC = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "SHELL", "PYTHONPATH", "DJANGO_SETTINGS_MODULE")


def read() -> dict[str, Any]:
    """The settings as the app's processes read them."""
    settings = import_module("django.conf").settings
    if settings.FORCE_SCRIPT_NAME:
        # A relative STATIC_URL is below it.
        import_module("django.urls").set_script_prefix(settings.FORCE_SCRIPT_NAME)
    return {name: getattr(settings, name) for name in NAMES}


def files(root: str) -> list[str]:
    """Names of the first files below *root*, without following links."""
    found: list[str] = []
    for number, (path, directories, names) in enumerate(os.walk(root)):
        directories.sort()
        found += [os.path.relpath(os.path.join(path, name), root) for name in sorted(names)]
        if number >= FILES or len(found) >= FILES:
            break
    return found[:FILES]


def directory(name: str) -> dict[str, object]:
    """The real path of the directory that a setting names, and the files in it, as the app sees them."""
    given = getattr(import_module("django.conf").settings, name)
    path = str(given or "")
    if not os.path.isabs(path):
        return {"real": "", "files": []}
    return {"real": os.path.realpath(path), "files": files(path)}


def secrets() -> list[str]:
    """Values of the environment and of the inventory's settings, which an error must not show."""
    found = [
        value
        for name, value in os.environ.items()
        if name not in PUBLIC and not name.startswith("GATEHOUSE_") and len(value) > 3
    ]
    found += [value for value in strings(json.loads(os.environ.get("GATEHOUSE_SETTINGS", "{}"))) if len(value) > 7]
    # The longest first: a value may be part of another.
    return sorted(found, key=len, reverse=True)


def conceal(text: str, error: BaseException) -> str:
    """The *text* of an error without secrets."""
    hidden = secrets()
    for secret in hidden:
        text = text.replace(secret, HIDDEN)
    # These errors quote names, not values. Another one may quote a part of a value, the password of a URL for example.
    if isinstance(error, (ImportError, SyntaxError, NameError, AttributeError)):
        return text
    return re.sub(
        r"(['\"])(.{4,}?)\1",
        lambda found: f"'{HIDDEN}'" if any(found[2] in secret for secret in hidden) else found[0],
        text,
    )


def strings(value: object) -> list[str]:
    """All strings inside *value*."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for one in inner for text in strings(one)]


def explain(error: BaseException) -> str:
    """The last line of the traceback, and the last place in the project's code."""
    text = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]
    text = conceal(text, error)
    here = os.path.realpath(os.getcwd())
    # `project` is a link. Frames of Python itself and of this program have no path.
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if os.path.isabs(frame.filename)]
    own = [(os.path.relpath(os.path.realpath(frame.filename), here), frame.lineno) for frame in frames]
    places = [f"{path}, line {line}" for path, line in own if not path.startswith("..")]
    return f"{text} ({places[-1]})" if places else text


def stop(_signal: int, _frame: FrameType | None) -> None:
    """Raise TimeoutError when the time is over."""
    raise TimeoutError(f"not done after {SECONDS} seconds")


def gunicorn_version() -> list[int]:
    """The first two numbers of gunicorn's version."""
    parts = import_module("importlib.metadata").version("gunicorn").split(".")
    return [int(part) for part in parts[:2] if part.isdigit()]


def encode(value: object) -> object:
    """Encode what JSON does not support: a path or a translated text as a string, a set as a list."""
    return sorted(map(str, value)) if isinstance(value, (set, frozenset)) else str(value)


def main() -> None:
    """Print the report; the output of the project goes to standard error."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    answer: dict[str, object] = {}
    try:
        answer["settings"] = read()
        answer["directories"] = {name: directory(name) for name in ("STATIC_ROOT", "MEDIA_ROOT")}
        answer["prefix"] = os.environ.get("GATEHOUSE_PREFIX", "")
        answer["gunicorn"] = gunicorn_version()
        answer["inventory"] = sorted(json.loads(os.environ.get("GATEHOUSE_SETTINGS", "{}")))
    # Settings may also call sys.exit().
    except BaseException as error:
        answer = {"error": explain(error)}
    signal.alarm(0)
    answer["module"] = os.environ.get("GATEHOUSE_SETTINGS_MODULE", "")
    output.write(json.dumps(answer, default=encode) + "\n")
    output.flush()
    # A thread that the settings started must not keep the process running.
    os._exit(0)


if __name__ == "__main__":
    main()
