# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate the option `source` of an app on the controller."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import ARGUMENT_SPEC, SOURCE_KINDS
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source import is_inside, is_url, split_credentials
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.ssh_key import problem

PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._,-]+\])?==[A-Za-z0-9][A-Za-z0-9.!+_-]*")
CHECKSUM = re.compile(r"(sha256|sha384|sha512):[0-9a-fA-F]{64,128}")
SSH_URL = re.compile(r"(?:ssh://|[^/:]+@[^/:]+:)")


def of_source(source: Mapping[str, Any], playbook_dir: str) -> Iterator[str]:
    """Check the source."""
    known = list(ARGUMENT_SPEC["source"]["options"])
    yield from (f"source: {unknown(key, known)}" for key in source if key not in known)
    kinds = [kind for kind in SOURCE_KINDS if source.get(kind)]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none"
        yield f"source: set exactly one of {', '.join(SOURCE_KINDS)}, not {found}."
        return
    for key in ("deploy_key", "version", "lfs"):
        if source.get(key) and not source.get("git"):
            yield f"source: {key} works with git only. Remove it."
    if source.get("known_hosts") and not (source.get("git") or source.get("credentials")):
        yield "source: known_hosts works with git or credentials only. Remove it."
    if source.get("exclude") and not source.get("directory"):
        yield "source: exclude works with directory only. Remove it."
    subdirectory = str(source.get("subdirectory") or "")
    if not is_inside(subdirectory):
        yield f"source: subdirectory '{subdirectory}' must be a relative path inside of the source."
    yield from {"directory": of_directory, "archive": of_archive, "pypi": of_pypi, "git": of_git}[kinds[0]](
        source, playbook_dir
    )
    yield from of_credentials(source)


def of_directory(source: Mapping[str, object], playbook_dir: str) -> Iterator[str]:
    """Check a directory on the controller."""
    directory = os.path.join(playbook_dir, os.path.expanduser(str(source["directory"])))
    if not os.path.isdir(directory):
        yield f"source: directory '{directory}' does not exist on the controller."
    elif not os.path.isdir(os.path.join(directory, str(source.get("subdirectory") or ""))):
        yield f"source: subdirectory '{source['subdirectory']}' does not exist in '{directory}' on the controller."
    if shutil.which("git") is None:
        yield (
            "source: directory needs git on the controller: git reads .gitignore and knows which files belong to the "
            "source. Install git there."
        )
    exclude = source.get("exclude") or []
    if not isinstance(exclude, list):
        yield f"source: exclude must be a list of patterns, like ['/docs/', '*.psd'], not '{exclude}'."
        return
    for pattern in exclude:
        if not str(pattern).strip("! /") or str(pattern).startswith("#") or "\n" in str(pattern):
            yield f"source: exclude '{pattern}' is not a pattern of .gitignore, like '/docs/' or '*.psd'."


def of_archive(source: Mapping[str, object], playbook_dir: str) -> Iterator[str]:
    """Check an archive on the controller, or its URL."""
    archive, checksum = str(source["archive"]), str(source.get("checksum") or "")
    if checksum and not CHECKSUM.fullmatch(checksum):
        yield f"source: checksum '{checksum}' must be a sha256, sha384 or sha512 digest, like 'sha256:9f86...'."
    if is_url(archive):
        if not checksum:
            yield "source: an archive from a URL needs a checksum ('sha256:...'), which identifies the release."
    elif not os.path.isfile(os.path.join(playbook_dir, os.path.expanduser(archive))):
        yield f"source: archive '{archive}' does not exist on the controller."


def of_pypi(source: Mapping[str, object], _playbook_dir: str) -> Iterator[str]:
    """Check a package of an index."""
    if not PINNED.fullmatch(str(source["pypi"])):
        yield f"source: pypi '{source['pypi']}' must name one version, like 'name==1.2'."


def of_git(source: Mapping[str, object], _playbook_dir: str) -> Iterator[str]:
    """Check the access to git repositories, as far as the controller can. Never quote a key or a token."""
    for key in ("git", "version"):
        if str(source.get(key) or "").startswith("-") or re.search(r"\s", str(source.get(key) or "")):
            yield f"source: {key} '{source[key]}' must not begin with '-' or contain white space."
    if source.get("deploy_key"):
        yield from of_key("source: deploy_key", str(source["git"]), str(source["deploy_key"]))


def of_credentials(source: Mapping[str, Any]) -> Iterator[str]:
    """Check the access to other git repositories: submodules, and those that the dependencies name."""
    credentials = source.get("credentials") or []
    if not isinstance(credentials, list) or not all(isinstance(entry, Mapping) for entry in credentials):
        yield "source: credentials must be a list of entries with url, and deploy_key for an ssh URL."
        return
    seen = {split_credentials(str(source.get("git") or ""))[0]}
    for number, entry in enumerate(credentials):
        url, has_token = split_credentials(str(entry.get("url") or ""))
        name = f"source: credentials[{number}]" + (f" ('{url}')" if url else "")
        known = list(ARGUMENT_SPEC["source"]["options"]["credentials"]["options"])
        yield from (f"{name}: {unknown(key, known)}" for key in entry if key not in known)
        if not url or re.search(r"\s|^-", url):
            yield f"{name}: url must be that of a repository, or end with '/' for all repositories below it."
        elif url in seen:
            yield f"{name}: this URL has credentials already. Remove one of them."
        elif entry.get("deploy_key"):
            yield from of_key(f"{name}: deploy_key", url, str(entry["deploy_key"]))
        elif not has_token:
            yield f"{name}: add deploy_key to an ssh URL, or a token to an https URL, like 'https://user:token@...'."
        seen.add(url)
    if has_deploy_key(source) and not source.get("known_hosts"):
        yield (
            "source: deploy_key needs known_hosts, the lines with the server's host keys: ssh-keyscan prints them. "
            "Compare them with those that the operator of the server publishes."
        )


def of_key(name: str, url: str, key: str) -> Iterator[str]:
    """Check one private key and its URL."""
    if not SSH_URL.match(url):
        yield f"{name} needs an ssh URL, like 'ssh://git@example.com/shop.git', not '{split_credentials(url)[0]}'."
    if said := problem(key):
        yield f"{name} {said}"


def has_deploy_key(source: Mapping[str, Any]) -> bool:
    """Return whether the source has a key for at least one repository."""
    return any(entry.get("deploy_key") for entry in [source, *(source.get("credentials") or [])])
