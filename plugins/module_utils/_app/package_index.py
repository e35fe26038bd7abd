# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask a package index which versions of Python a package requires, before the host has uv.

The protocol is the simple repository API, with answers in JSON or HTML:
https://packaging.python.org/en/latest/specifications/simple-repository-api/. It is asked where uv will look for the
package. What this module does not know is left to uv.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from ansible_collections.gatehouse.django.plugins.module_utils._app.fetch import fetcher
from ansible_collections.gatehouse.django.plugins.module_utils._app.project_python import Requirement
from ansible_collections.gatehouse.django.plugins.module_utils._app.source import Fetch

# The default index of uv (https://docs.astral.sh/uv/concepts/indexes/).
PYPI = "https://pypi.org/simple"
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
MAX_BYTES = 64 << 20
# A run must not wait long for an index that the host cannot reach: uv tells it better.
SECONDS = 10
NOT_FOUND = 404
# With these, uv looks in other places or in none.
ELSEWHERE = ("UV_FIND_LINKS", "UV_NO_INDEX", "UV_OFFLINE", "UV_CONFIG_FILE")
# Keys of the host's configuration of uv with the same effect.
CONFIGURATION = "/etc/uv/uv.toml"
PLACES = re.compile("index|find-links|offline")
NAMED = re.compile(r"(?:([\w.-]+)=)?(https?://\S+)")
SUFFIXES = re.compile(r"\.(?:tar\.gz|tar\.bz2|tar\.xz|zip|whl)")


class Index(NamedTuple):
    """An index: its URL without credentials, and `user:password` or an empty text."""

    url: str
    authorization: str


def requirements(
    pinned: str, variables: Mapping[str, str], make_fetch: Callable[[str, str, int], Fetch] = fetcher
) -> list[Requirement]:
    """Return the requirement of the package *pinned* (`name==1.2`); none if it is unknown.

    *variables* are those that uv gets.
    """
    name, _equal, version = pinned.partition("==")
    name = _normalised(name.partition("[")[0])
    for index in indexes(variables):
        try:
            with make_fetch(index.authorization, ACCEPT, SECONDS)(f"{index.url}/{quote(name)}/") as answer:
                files = _files(answer.read(MAX_BYTES).decode("utf-8", errors="replace"))
        except (OSError, ValueError, RecursionError) as error:
            if getattr(error, "code", 0) == NOT_FOUND:
                continue
            return []
        found = {file: required for file, required in files.items() if _is_of(file, name, version)}
        if found:
            return _common(found)
    return []


def indexes(variables: Mapping[str, str]) -> list[Index]:
    """Return the indexes in the order in which uv asks them; none if uv looks elsewhere."""
    if any(variables.get(name) for name in ELSEWHERE) or PLACES.search(_configuration()):
        return []
    default = variables.get("UV_DEFAULT_INDEX") or variables.get("UV_INDEX_URL") or PYPI
    words = [*variables.get("UV_INDEX", "").split(), *variables.get("UV_EXTRA_INDEX_URL", "").split(), default]
    found = [NAMED.fullmatch(word) for word in words]
    return [_index(one[2], one[1] or "", variables) for one in found if one] if all(found) else []


def _configuration() -> str:
    try:
        with open(CONFIGURATION, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _index(url: str, name: str, variables: Mapping[str, str]) -> Index:
    parts = urlsplit(url)
    credentials, at, host = parts.netloc.rpartition("@")
    if not at and name:
        prefix = f"UV_INDEX_{re.sub('[^A-Z0-9]', '_', name.upper())}"
        user, password = (variables.get(f"{prefix}_{kind}", "") for kind in ("USERNAME", "PASSWORD"))
        credentials = f"{user}:{password}" if user or password else ""
    return Index(urlunsplit(parts._replace(netloc=host)).rstrip("/"), unquote(credentials) if at else credentials)


def _files(text: str) -> dict[str, str]:
    """Return the requirement of each file of a project's page, an empty text for none."""
    if not text.lstrip().startswith("{"):
        page = _Page()
        page.feed(text)
        return page.files
    listed = json.loads(text).get("files")
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {str(one.get("filename")): str(one.get("requires-python") or "") for one in entries}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            given = {name: value or "" for name, value in attrs}
            file = unquote(os.path.basename(urlsplit(given.get("href", "")).path))
            self.files[file] = given.get("data-requires-python", "")


def _is_of(file: str, name: str, version: str) -> bool:
    """Return whether *file* is a wheel or a source distribution of this version, by its name."""
    suffix = SUFFIXES.search(file)
    if suffix is None or suffix.end() != len(file):
        return False
    stem = file[: suffix.start()]
    own, _hyphen, found = stem.partition("-") if suffix[0] == ".whl" else stem.rpartition("-")
    return _normalised(own) == name and _release(found.partition("-")[0]) == _release(version)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _release(version: str) -> str:
    return re.sub(r"(?:\.0)+$", "", version.lower())


def _common(found: Mapping[str, str]) -> list[Requirement]:
    """Return what all files require; none if they differ, because uv chooses one."""
    file, specifier = next(iter(found.items()))
    if not specifier or set(found.values()) != {specifier}:
        return []
    return [{"specifier": specifier, "file": file, "package": "", "marker": ""}]
