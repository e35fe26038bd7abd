# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the interpreter of an app: one of the host, or one that uv installs for it."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app import python_list
from ansible_collections.gatehouse.django.plugins.module_utils._app.source import Fetch
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools

# Where Debian and the administrator install interpreters. Another directory of root's PATH may be private to root.
PATH = "/usr/local/bin:/usr/bin:/bin"
CODE = "import sys; print('.'.join(map(str, sys.version_info[:3])))"


@dataclass(frozen=True)
class Interpreter:
    """An interpreter: its version like `3.12.4`, and its path if the host has it by itself.

    One that uv installs has a `key` instead, which names its build and its directory. `entry` describes its download,
    unless uv's own list does.
    """

    version: str
    path: str = ""
    key: str = ""
    entry: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Return what makes another release: the build, or the minor version of an interpreter of the host.

        Debian updates the latter in place.
        """
        return self.key or ".".join(self.version.split(".")[:2])


def choose(tools: Tools, wanted: str, downloads: Mapping[str, str], fetch: Fetch) -> Interpreter:
    """Return the interpreter for the option `python`: a version, or the name or path of an interpreter of the host.

    *downloads* is `downloads` of the plan's secrets; *fetch* opens the URL of a list.
    """
    if not python_list.VERSION.fullmatch(wanted):
        return _named(tools, wanted)
    return _of_host(tools, wanted) or _of_uv(wanted, downloads, fetch)


def _named(tools: Tools, name: str) -> Interpreter:
    path = shutil.which(name)
    if path is None:
        version = re.fullmatch(r"python(3\.\d+)", name)
        remedy = f'To have that version installed, write python: "{version[1]}".' if version else "Install it."
        raise ReleaseError(
            f"python: the host has no '{name}'. {remedy} Without the option, the app gets the system's python3. "
            "Nothing was changed."
        )
    return Interpreter(_version(tools, path), _versioned(path))


def _versioned(path: str) -> str:
    """Return the name with a version that the link *path* has in its own directory: python3 -> python3.11.

    A virtual environment that names it survives an upgrade of the distribution until python3.11 is removed.
    """
    target = os.readlink(path) if os.path.islink(path) else ""
    return os.path.join(os.path.dirname(path), target) if re.fullmatch(r"python3\.\d+", target) else path


def _of_host(tools: Tools, wanted: str) -> Interpreter | None:
    major, minor = wanted.split(".")[:2]
    path = shutil.which(f"python{major}.{minor}", path=PATH)
    found = _version(tools, path) if path else ""
    return Interpreter(found, path or "") if found and python_list.matches(wanted, found) else None


def _version(tools: Tools, path: str) -> str:
    return tools.run([path, "-I", "-c", CODE]).strip()


def _of_uv(wanted: str, downloads: Mapping[str, str], fetch: Fetch) -> Interpreter:
    if downloads["list_url"] or downloads["list"]:
        text = downloads["list"] or _read(downloads["list_url"], downloads["shown"], fetch)
        try:
            entry = python_list.newest(python_list.matching(text, wanted), wanted, platform.machine())
        except ValueError as error:
            raise ReleaseError(f"python_downloads: '{downloads['shown']}' {error} Nothing was changed.") from error
        version = python_list.version_of(entry)
        return Interpreter(version, key=f"{version}-{entry['sha256'][:12]}", entry=entry)
    version = downloads["version"]
    if not version:
        raise ReleaseError(
            f"python: the host has no Python {wanted}, and uv {downloads['uv']} does not install that version. Write a "
            "version that it installs ('uv python list' shows them), or name a list with python_downloads. Nothing "
            "was changed."
        )
    return Interpreter(version, key=f"{version}-uv-{downloads['uv']}")


def _read(url: str, shown: str, fetch: Fetch) -> str:
    """Return the text of the list at *url*, which messages call *shown*."""
    try:
        with fetch(url) as answer:
            content = answer.read(python_list.MAX_BYTES + 1)
    except OSError as error:
        raise ReleaseError(
            f"python_downloads: the host cannot fetch '{shown}': {error}. Nothing was changed."
        ) from error
    return content.decode("utf-8", errors="replace")
