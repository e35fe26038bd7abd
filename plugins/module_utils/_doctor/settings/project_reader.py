# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that the app's own Python runs as the app: says in JSON what the project's settings are for a visitor.

It imports the settings and nothing else of the project: `django.setup()` would open its log files. There it has nothing
but the standard library and Django.
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
# Names of files that are reported, and directories in which they are looked for.
FILES = 500
HIDDEN = "********"
# Values of these say where things are; any other one of the environment may be a secret.
PUBLIC = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "SHELL", "PYTHONPATH", "DJANGO_SETTINGS_MODULE")


def read() -> dict[str, Any]:
    """The settings as the app's processes have them."""
    settings = import_module("django.conf").settings
    if settings.FORCE_SCRIPT_NAME:
        # A relative STATIC_URL is below it.
        import_module("django.urls").set_script_prefix(settings.FORCE_SCRIPT_NAME)
    return {name: getattr(settings, name) for name in NAMES}


def files(root: str) -> list[str]:
    """Names of files below *root*, the first ones. Links are not followed."""
    found: list[str] = []
    for number, (path, directories, names) in enumerate(os.walk(root)):
        directories.sort()
        found += [os.path.relpath(os.path.join(path, name), root) for name in sorted(names)]
        if number >= FILES or len(found) >= FILES:
            break
    return found[:FILES]


def directory(name: str) -> dict[str, Any]:
    """Where the directory of a setting really is, and what is in it, as the app sees it."""
    given = getattr(import_module("django.conf").settings, name)
    path = str(given or "")
    if not os.path.isabs(path):
        return {"real": "", "files": []}
    return {"real": os.path.realpath(path), "files": files(path)}


def secrets() -> list[str]:
    """What an error must not show: values of the environment and of the inventory's settings."""
    found = [
        value
        for name, value in os.environ.items()
        if name not in PUBLIC and not name.startswith("GATEHOUSE_") and len(value) > 3
    ]
    found += [value for value in strings(json.loads(os.environ.get("GATEHOUSE_SETTINGS", "{}"))) if len(value) > 7]
    # The longest first: one may be a part of another.
    return sorted(found, key=len, reverse=True)


def conceal(said: str, error: BaseException) -> str:
    """*said* without them."""
    hidden = secrets()
    for secret in hidden:
        said = said.replace(secret, HIDDEN)
    # What quotes a name has no values; anything else may quote a part of one: of a URL, for example, a password.
    if isinstance(error, (ImportError, SyntaxError, NameError, AttributeError)):
        return said
    return re.sub(
        r"(['\"])(.{4,}?)\1",
        lambda found: f"'{HIDDEN}'" if any(found[2] in secret for secret in hidden) else found[0],
        said,
    )


def strings(value: Any) -> list[str]:
    """All the text that is anywhere in *value*."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for one in inner for text in strings(one)]


def explain(error: BaseException) -> str:
    """The last line of the traceback, and where the project's code was."""
    said = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]
    said = conceal(said, error)
    here = os.path.realpath(os.getcwd())
    # `project` is a link; what comes with Python, and this program, have no path.
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if os.path.isabs(frame.filename)]
    own = [(os.path.relpath(os.path.realpath(frame.filename), here), frame.lineno) for frame in frames]
    places = [f"{path}, line {line}" for path, line in own if not path.startswith("..")]
    return f"{said} ({places[-1]})" if places else said


def hangs(_signal: int, _frame: FrameType | None) -> None:
    """The time is over."""
    raise TimeoutError(f"not done after {SECONDS} seconds")


def server() -> list[int]:
    """The version of the gunicorn that serves the project."""
    parts = import_module("importlib.metadata").version("gunicorn").split(".")
    return [int(part) for part in parts[:2] if part.isdigit()]


def listed(value: Any) -> Any:
    """What JSON has no form for: paths and translated text are what they look like, a set is a list."""
    return sorted(map(str, value)) if isinstance(value, (set, frozenset)) else str(value)


def main() -> None:
    """Print the answer; what the project prints goes elsewhere."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    signal.signal(signal.SIGALRM, hangs)
    signal.alarm(SECONDS)
    answer: dict[str, Any] = {}
    try:
        answer["settings"] = read()
        answer["directories"] = {name: directory(name) for name in ("STATIC_ROOT", "MEDIA_ROOT")}
        answer["gunicorn"] = server()
        answer["inventory"] = sorted(json.loads(os.environ.get("GATEHOUSE_SETTINGS", "{}")))
    # Settings that call sys.exit() do not load either.
    except BaseException as error:
        answer = {"error": explain(error)}
    signal.alarm(0)
    answer["module"] = os.environ.get("GATEHOUSE_SETTINGS_MODULE", "")
    output.write(json.dumps(answer, default=listed) + "\n")
    output.flush()
    # Threads that the settings have started must not keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
