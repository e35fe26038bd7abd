# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private. Checks what a process of the app has reported of its settings: the app decides every byte of it.

What comes out has the types that the rest of the doctor expects, whatever came in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.django import Directory

LISTS = ("SECURE_PROXY_SSL_HEADER", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "MIDDLEWARE", "INSTALLED_APPS")
FLAGS = (
    *("SECURE_SSL_REDIRECT", "DEBUG", "USE_X_FORWARDED_HOST", "CSRF_COOKIE_SECURE", "CSRF_USE_SESSIONS"),
    "SESSION_COOKIE_SECURE",
)
NUMBERS = ("DATA_UPLOAD_MAX_MEMORY_SIZE",)
TEXTS = ("SECURE_SSL_HOST", "STATIC_URL", "STATIC_ROOT", "MEDIA_URL", "MEDIA_ROOT")
LARGEST = 2**63


class Malformed(Exception):
    """The report is not one of the doctor's own program; the text says what is wrong with it."""


@dataclass(frozen=True)
class Report:
    """The settings of a project, or why they do not load."""

    error: str = ""
    module: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    gunicorn: list[int] = field(default_factory=list)
    inventory: list[str] = field(default_factory=list)
    directories: Mapping[str, Directory] = field(default_factory=dict)


def parse(output: str) -> Report | None:
    """The report in the last line of *output*, None where there is none; raises Malformed."""
    lines = output.strip().splitlines()
    if not lines:
        return None
    try:
        answer = json.loads(lines[-1])
    except RecursionError:
        raise Malformed("their process has reported JSON that is nested too deeply.") from None
    except ValueError:
        return None
    if not isinstance(answer, dict):
        raise Malformed(f"their process has reported {_name(answer)} in place of the settings.")
    module = str(answer.get("module") or "")
    if "error" in answer:
        return Report(error=str(answer["error"]), module=module)
    settings = _mapping(answer, "settings")
    missing = [name for name in (*LISTS, *FLAGS, *NUMBERS, *TEXTS) if name not in settings]
    if missing:
        raise Malformed(f"their process has not reported {', '.join(missing)}.")
    directories = _mapping(answer, "directories")
    return Report(
        module=module,
        settings={
            **{name: _list(settings[name]) for name in LISTS},
            **{name: bool(settings[name]) for name in FLAGS},
            **{name: _number(settings[name]) for name in NUMBERS},
            **{name: "" if settings[name] is None else _text(settings[name]) for name in TEXTS},
        },
        gunicorn=[number for one in _items(answer.get("gunicorn")) if (number := _number(one)) is not None],
        inventory=_list(answer.get("inventory")),
        directories={name: _directory(directories.get(name)) for name in ("STATIC_ROOT", "MEDIA_ROOT")},
    )


def _mapping(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = answer.get(name, {})
    if not isinstance(found, dict):
        raise Malformed(f"their process has reported {_name(found)} as '{name}'.")
    return found


def _directory(given: Any) -> Directory:
    found = given if isinstance(given, dict) else {}
    return Directory(_text(found.get("real")), tuple(name for name in _list(found.get("files")) if _is_name(name)))


def _is_name(text: str) -> bool:
    """Whether a file can have this name."""
    try:
        return bool(text) and b"\0" not in os.fsencode(text)
    except UnicodeError:
        return False


def _items(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _list(given: Any) -> list[str]:
    return [_text(one) for one in _items(given)]


def _text(given: Any) -> str:
    """A setting may be an object that only looks like text, which the program has made text of."""
    return given if isinstance(given, str) else ""


def _number(given: Any) -> int | None:
    return given if isinstance(given, int) and not isinstance(given, bool) and abs(given) < LARGEST else None


def _name(value: Any) -> str:
    return {"list": "a list", "str": "a text", "NoneType": "null"}.get(type(value).__name__, "a number")
