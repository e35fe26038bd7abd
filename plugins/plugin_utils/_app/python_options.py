# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the options that choose an app's interpreter, and prepare the list of downloads for the host."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._app import python_list
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.render import program
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source import split_credentials

# All versions that the pinned uv installs on Linux with glibc, as `uv python list` prints them.
VERSIONS = tuple(program("uv_pythons.txt").split())
SCHEMES = ("http://", "https://", "file://")
OF_UV = ("UV_PYTHON_INSTALL_MIRROR", "UV_PYTHON_DOWNLOADS_JSON_URL", "UV_PYTHON_INSTALL_DIR")


def of_python(options: Mapping[str, Any], entry: Mapping[str, Any], playbook_dir: str) -> Iterator[str]:
    """Check the interpreter; the value in *entry* is as YAML reads it."""
    value = entry.get("python", options.get("python"))
    if isinstance(value, (int, float)) or re.fullmatch(r"3\.[12]", str(value)):
        # YAML reads 3.10 as the number 3.1, and Python 3.1 and 3.2 are long gone.
        written = {"3.1": "3.10", "3.2": "3.20"}.get(str(value), str(value))
        written = written if "." in written else f"{written}.12"
        yield f'python: {value} is a number for YAML, which reads 3.10 as 3.1. Write it in quotes: python: "{written}".'
    elif re.fullmatch(r"[\d.]+", str(value)) and not python_list.VERSION.fullmatch(str(value)):
        yield f'python: \'{value}\' is not a version like "3.12" or "3.12.4". Write one, or the name of an interpreter.'
    elif not str(value).strip() or str(value).startswith("-"):
        yield f"python: '{value}' is not a version like \"3.12\", or the name or path of an interpreter of the host."
    for name in OF_UV:
        if name in (options.get("build_environment") or {}):
            yield f"build_environment: {name} has no effect here. Use the option python_downloads, and remove it."
    downloads = str(options.get("python_downloads") or "")
    if downloads and not is_address(downloads):
        yield from _of_list(downloads, playbook_dir)


def is_address(downloads: str) -> bool:
    """Return whether the host reads the list, or the mirror, from a URL."""
    return downloads.startswith(SCHEMES)


def _of_list(path: str, playbook_dir: str) -> Iterator[str]:
    """Check a list that is a file on the controller."""
    try:
        python_list.matching(_text(os.path.join(playbook_dir, os.path.expanduser(path))), "3.12")
    except OSError as error:
        yield (
            f"python_downloads: '{path}' is neither a URL nor a file on the controller ({error.strerror}). Use the "
            "address of a mirror of uv's builds, or the address or the path of a list of downloads ('*.json')."
        )
    except ValueError as error:
        yield f"python_downloads: '{path}' {error}"


def downloads(wanted: str, option: str, uv: str) -> dict[str, str]:
    """Return what the host needs to install the interpreter *wanted*.

    *option* is `python_downloads`, as an absolute path if it is a file; *uv* is the requirement that pins uv.
    """
    version = re.match(r"uv==([0-9a-zA-Z.]+)", uv)
    found = {"version": python_list.of_uv(VERSIONS, wanted), "uv": version[1] if version else ""}
    found |= {"list": "", "list_url": "", "mirror": "", "shown": option, "authorization": ""}
    if not python_list.VERSION.fullmatch(wanted):
        return found
    if not is_address(option):
        found["list"] = json.dumps(python_list.matching(_text(option), wanted)) if option else ""
    elif urlsplit(option).path.endswith(".json"):
        found["list_url"], found["authorization"] = split_credentials(option)
        found["shown"] = found["list_url"]
    else:
        found["mirror"] = option
    return found


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
