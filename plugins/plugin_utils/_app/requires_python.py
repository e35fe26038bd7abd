# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the versions of Python that a project requires with the app's interpreter, and name one that meets them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.project_python import Requirement
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.python_options import VERSIONS

# What a marker of PEP 508 is compared with on every host.
LINUX = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}
# The words of uv's errors, with its line breaks as blanks.
UV_ERRORS = (
    re.compile(r"\(3[\d.]+\) does not satisfy Python(?P<specifier>[<>=!~][^\s]*)"),
    re.compile(r"incompatible with the project's Python requirement: `(?P<specifier>[^`]+)`"),
)
STATE = "\nState of the host:"


def check_python(app: str, required: Iterable[Requirement], version: str, exception: str = "") -> None:
    """Raise ValueError if one of the requirements excludes the *version* of the app's interpreter.

    Nothing was changed before, with the *exception* in these words.
    """
    unmet = [one for one in required if applies(one, version) and not meets(one["specifier"], version)]
    if not unmet:
        return
    first = unmet[0]
    name = f"the locked package {first['package']}" if first["package"] else "the project"
    state = f"Nothing was changed, {exception}" if exception else "Nothing was changed."
    raise ValueError(
        f"{app}: python: {name} needs Python {first['specifier']} ('{first['file']}'), but the app's is {version}. "
        f"{remedy([one['specifier'] for one in unmet], version)} {state}"
    )


def applies(required: Requirement, version: str) -> bool:
    """Return whether the marker of a requirement holds for *version*; False if it cannot be evaluated."""
    # ansible-core depends on packaging, but ansible-test imports plugins without that dependency.
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    if not required["marker"]:
        return True
    environment = {**LINUX, "python_full_version": version, "python_version": ".".join(version.split(".")[:2])}
    try:
        return bool(Marker(required["marker"]).evaluate({**environment, "extra": ""}))
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        return False


def meets(specifier: str, version: str) -> bool:
    """Return whether *version* meets the *specifier*; True if that is not valid, since uv reports the error."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return bool(SpecifierSet(specifier).contains(version, prereleases=True))
    except InvalidSpecifier:
        return True


def remedy(specifiers: Sequence[str], version: str) -> str:
    """Return the line to write for an app whose interpreter has the wrong *version*."""
    usable = [one for one in VERSIONS if all(meets(specifier, one) for specifier in specifiers)]
    if not usable:
        return "uv installs no version of Python that meets this. Set python to an interpreter of the host that does."
    nearest = min(usable, key=lambda one: (abs(_minor(one) - _minor(version)), -_patch(one)))
    minor = nearest.rpartition(".")[0]
    newest = max((one for one in VERSIONS if one.startswith(f"{minor}.")), key=_patch)
    # The minor version alone stands for the host's interpreter, or else for the newest patch version.
    written = minor if newest == nearest and _minor(version) != _minor(nearest) else nearest
    return f'Write python: "{written}" into the app\'s entry (as a variable: django_app_python: "{written}").'


def explain(failure: dict[str, object], version: str) -> dict[str, object]:
    """Add the line to write to a *failure* of the module whose cause is the *version* of the app's interpreter."""
    text, _state, state = str(failure.get("msg") or "").partition(STATE)
    # uv draws lines around its words.
    words = " ".join(re.sub(r"[^!-~]", " ", text).split())
    found = [match["specifier"].rstrip(",.") for pattern in UV_ERRORS for match in pattern.finditer(words)]
    if not found:
        return failure
    sentence = f"python: the app's Python is {version}, and its dependencies need {', '.join(dict.fromkeys(found))}."
    return {**failure, "msg": f"{text}\n{sentence} {remedy(found, version)}{STATE if state else ''}{state}"}


def _minor(version: str) -> int:
    return int(version.split(".")[1])


def _patch(version: str) -> int:
    return int(version.split(".")[2])
