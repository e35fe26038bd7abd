# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the report of a project's settings, of which the app decides every byte.

The result has the types of its records, whatever the report contains.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Directory, Settings

LARGEST = 2**63


class Malformed(Exception):
    """The report does not come from the doctor's own program; the text says what is wrong with it."""


@dataclass(frozen=True)
class Report:
    """The settings of a project, or the error that loading them raised."""

    error: str = ""
    module: str = ""
    settings: Settings | None = None
    # The version of gunicorn.
    gunicorn: list[int] = field(default_factory=list)
    # Names of the settings that the inventory overrides.
    inventory: list[str] = field(default_factory=list)
    static: Directory = field(default_factory=Directory)
    media: Directory = field(default_factory=Directory)
    # The option `prefix` of the app.
    prefix: str = ""


def parse(output: str) -> Report | None:
    """The report in the last line of *output*, None where there is none; raise Malformed."""
    lines = output.strip().splitlines()
    if not lines:
        return None
    try:
        answer = json.loads(lines[-1])
    except RecursionError:
        raise Malformed("their process reported JSON that is nested too deeply.") from None
    except ValueError:
        return None
    if not isinstance(answer, dict):
        raise Malformed(f"their process reported {_kind(answer)} instead of the settings.")
    module = str(answer.get("module") or "")
    if "error" in answer:
        return Report(error=str(answer["error"]), module=module)
    settings = _mapping(answer, "settings")
    missing = [name for name in Settings.__annotations__ if name not in settings]
    if missing:
        raise Malformed(f"their process did not report {', '.join(missing)}.")
    directories = _mapping(answer, "directories")
    return Report(
        module=module,
        settings=_settings(settings),
        gunicorn=[number for item in _items(answer.get("gunicorn")) if (number := _number(item)) is not None],
        inventory=_texts(answer.get("inventory")),
        static=_directory(directories.get("STATIC_ROOT")),
        media=_directory(directories.get("MEDIA_ROOT")),
        prefix=_text(answer.get("prefix")),
    )


def _settings(settings: Mapping[str, object]) -> Settings:
    return Settings(
        SECURE_PROXY_SSL_HEADER=_texts(settings["SECURE_PROXY_SSL_HEADER"]),
        ALLOWED_HOSTS=_texts(settings["ALLOWED_HOSTS"]),
        CSRF_TRUSTED_ORIGINS=_texts(settings["CSRF_TRUSTED_ORIGINS"]),
        MIDDLEWARE=_texts(settings["MIDDLEWARE"]),
        INSTALLED_APPS=_texts(settings["INSTALLED_APPS"]),
        SECURE_SSL_REDIRECT=bool(settings["SECURE_SSL_REDIRECT"]),
        DEBUG=bool(settings["DEBUG"]),
        USE_X_FORWARDED_HOST=bool(settings["USE_X_FORWARDED_HOST"]),
        CSRF_COOKIE_SECURE=bool(settings["CSRF_COOKIE_SECURE"]),
        CSRF_USE_SESSIONS=bool(settings["CSRF_USE_SESSIONS"]),
        SESSION_COOKIE_SECURE=bool(settings["SESSION_COOKIE_SECURE"]),
        DATA_UPLOAD_MAX_MEMORY_SIZE=_number(settings["DATA_UPLOAD_MAX_MEMORY_SIZE"]),
        SECURE_SSL_HOST=_text(settings["SECURE_SSL_HOST"]),
        STATIC_URL=_text(settings["STATIC_URL"]),
        STATIC_ROOT=_text(settings["STATIC_ROOT"]),
        MEDIA_URL=_text(settings["MEDIA_URL"]),
        MEDIA_ROOT=_text(settings["MEDIA_ROOT"]),
    )


def _mapping(answer: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = answer.get(name, {})
    if not isinstance(value, dict):
        raise Malformed(f"their process reported {_kind(value)} as '{name}'.")
    return value


def _directory(value: object) -> Directory:
    entry = value if isinstance(value, dict) else {}
    return Directory(
        _text(entry.get("real")), tuple(name for name in _texts(entry.get("files")) if _is_file_name(name))
    )


def _is_file_name(text: str) -> bool:
    """Whether a file can have this name."""
    try:
        return bool(text) and b"\0" not in os.fsencode(text)
    except UnicodeError:
        return False


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [_text(item) for item in _items(value)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST else None


def _kind(value: object) -> str:
    return {"list": "a list", "str": "a text", "NoneType": "null"}.get(type(value).__name__, "a number")
