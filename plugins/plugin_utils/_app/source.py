# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute the revision of a source on the controller, and pack it into one archive."""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit, urlunsplit

from ansible_collections.gatehouse.django.plugins.module_utils._app.git_access import Access, Credential
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Source
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source_files import list_files
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.ssh_key import normalised


def is_url(archive: str) -> bool:
    """Return whether the host downloads the archive."""
    return archive.startswith(("http://", "https://"))


def is_inside(path: str) -> bool:
    """Return whether *path* is relative and does not leave its directory."""
    return not os.path.isabs(path) and ".." not in path.split("/") and bool(re.fullmatch(r"[\w./-]*", path))


def files(source: Source) -> list[str]:
    """Return the relative paths of the files of a source directory; the revision and the archive consist of them."""
    return list_files(str(source["directory"]), source.get("subdirectory") or "", source.get("exclude") or [])


def directory_revision(directory: str, names: Sequence[str]) -> str:
    """Hash names, contents, link targets and executable bits, but not times, which a checkout changes."""
    found = hashlib.sha256()
    for name in names:
        path, encoded = os.path.join(directory, name), os.fsencode(name)
        try:
            if os.path.islink(path):
                kind, content = b"link", os.fsencode(os.readlink(path))
            else:
                kind = b"program" if os.stat(path).st_mode & 0o100 else b"file"
                with open(path, "rb") as file:
                    content = hashlib.file_digest(file, "sha256").digest()
        except OSError as error:
            raise ValueError(
                f"source: the file '{name}' in directory '{directory}' cannot be read: {error.strerror}. "
                "Make it readable, or add it to source.exclude. Nothing was changed."
            ) from error
        found.update(b"%s %d %s %d " % (kind, len(encoded), encoded, len(content)) + content)
    return found.hexdigest()


def revision(source: Source) -> str:
    """Return the revision of a source; empty for git, which the host resolves."""
    if directory := source.get("directory"):
        return directory_revision(directory, files(source))
    if pypi := source.get("pypi"):
        return hashlib.sha256(pypi.encode()).hexdigest()
    archive = source.get("archive") or ""
    if is_url(archive):
        return str(source["checksum"]).partition(":")[2].lower()
    if archive:
        with open(archive, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return ""


def pack(directory: str, names: Sequence[str], target: str, expected: str) -> None:
    """Pack the files *names* of the source into one compressed archive.

    Raise ValueError if they are not those of the revision *expected*: the directory has changed in the meantime.
    """
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for name in names:
            archive.add(os.path.join(directory, name), arcname=name, recursive=False)
    if directory_revision(directory, names) != expected:
        raise ValueError(
            f"source: files in directory '{directory}' changed while they were packed. The app was not changed. "
            "Run the play again."
        )


def split_credentials(url: str) -> tuple[str, str]:
    """Split user and password from an http(s) URL. Other URLs keep them: `ssh://git@host` needs its user."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return url, ""
    credentials, _at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=host)), unquote(credentials)


def split_access(source: Source) -> tuple[Source, Access]:
    """Split the secrets of a source from it. Those of the source itself are the first credential."""
    open_part = source.copy()
    open_part.pop("deploy_key", None)
    open_part.pop("known_hosts", None)
    open_part.pop("credentials", None)
    url, authorization = "", ""
    if git := source.get("git"):
        url, authorization = split_credentials(git)
        open_part["git"] = url
    if archive := source.get("archive"):
        url, authorization = split_credentials(archive)
        open_part["archive"] = url
    found: list[Credential] = [
        {"url": url, "authorization": authorization, "deploy_key": normalised(source.get("deploy_key") or "")}
    ]
    for entry in source.get("credentials") or []:
        url, authorization = split_credentials(entry["url"])
        key = normalised(entry.get("deploy_key") or "")
        found.append({"url": url, "authorization": authorization, "deploy_key": key})
    return open_part, {"credentials": found, "known_hosts": source.get("known_hosts") or ""}
