# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a list of Python downloads in uv's format (uv's documentation: UV_PYTHON_DOWNLOADS_JSON_URL)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

VERSION = re.compile(r"3\.[0-9]{1,2}(?:\.[0-9]{1,3})?")
SHA256 = re.compile(r"[0-9a-fA-F]{64}")
MAX_BYTES = 32 << 20  # uv's own list of all builds has 3 MB
# uname(2) calls these processors by other names than uv.
FAMILIES = {"armv7l": "armv7", "ppc64le": "powerpc64le"}
Entry = dict[str, Any]


def matches(wanted: str, version: str) -> bool:
    """Return whether *version*, like `3.12.4`, is the *wanted* `3.12` or `3.12.4`."""
    return f"{version}.".startswith(f"{wanted}.")


def version_of(entry: Mapping[str, object]) -> str:
    """Return the version of an entry, like `3.12.4`."""
    return f"{entry.get('major')}.{entry.get('minor')}.{entry.get('patch')}"


def matching(text: str, wanted: str) -> dict[str, Entry]:
    """Return the entries of the list *text* for CPython in the *wanted* version on Linux with glibc, by their keys.

    Raises ValueError, whose text continues a sentence about the list, if it has another format.
    """
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON ({error}).") from error
    if not isinstance(entries, dict) or not all(map(_is_entry, entries.values())):
        raise ValueError("is not a list of Python downloads as uv reads it (UV_PYTHON_DOWNLOADS_JSON_URL).")
    return {key: entry for key, entry in entries.items() if _is_usable(entry) and matches(wanted, version_of(entry))}


def newest(entries: Mapping[str, Entry], wanted: str, machine: str) -> Entry:
    """Return the newest of *entries* for a *machine* of uname(2); raises ValueError like matching()."""
    family = FAMILIES.get(machine, machine)
    found = {key: entry for key, entry in entries.items() if entry["arch"].get("family") == family}
    if not found:
        raise ValueError(
            f"has no CPython {wanted} for Linux on {machine} with glibc. Add it, or write another version."
        )
    key = max(found, key=lambda key: (int(found[key]["patch"]), str(found[key].get("build") or "")))
    entry = found[key]
    if not SHA256.fullmatch(str(entry.get("sha256") or "")):
        raise ValueError(
            f"has no sha256 for '{key}': uv would install that download unverified. Add its digest ('sha256sum FILE')."
        )
    return {**entry, "sha256": entry["sha256"].lower()}


def of_uv(versions: Iterable[str], wanted: str) -> str:
    """Return the newest of *versions* that is the *wanted* one; empty if there is none."""
    found = [version for version in versions if matches(wanted, version)]
    return max(found, key=lambda version: int(version.rpartition(".")[2]), default="")


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("arch"), dict)
        and isinstance(entry.get("url"), str)
        and all(isinstance(entry.get(part), int) for part in ("major", "minor", "patch"))
    )


def _is_usable(entry: Entry) -> bool:
    kind = entry.get("name"), entry.get("os"), entry.get("libc")
    # A variant of a processor is for newer models only; a variant of a build is free-threaded or for debugging.
    special = entry["arch"].get("variant") or entry.get("variant") or entry.get("prerelease")
    return kind == ("cpython", "linux", "gnu") and not special
