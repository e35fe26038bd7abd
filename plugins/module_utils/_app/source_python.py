# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the versions of Python that a source requires, before the run installs or builds anything."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import archive_reader, package_index
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
from ansible_collections.gatehouse.django.plugins.module_utils._app.fetch import fetcher
from ansible_collections.gatehouse.django.plugins.module_utils._app.git import git_files
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Params, Private
from ansible_collections.gatehouse.django.plugins.module_utils._app.project_python import (
    Requirement,
    paths_of,
    requirements,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app.source import download
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, tail
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import SYSTEM_PYTHON

# Where the reader sees the archive: in the private /tmp of its unit.
ARCHIVE = "/tmp/archive"
# Without it, the host may trust no server. The action plugin installs it first.
AUTHORITIES = "ca-certificates"


def required_pythons(builder: Builder, params: Params, private: Private) -> list[Requirement]:
    """Return the versions of Python that the source requires, as far as the host can know them now.

    The host downloads an archive to `upload` of *params*, and the build unpacks that file. Raise ReleaseError if the
    download, its checksum or a file in it is not valid.
    """
    source, listed = params["source"], params["requirements_file"]
    if pypi := source.get("pypi"):
        return [] if _trusts_no_server(params) else package_index.requirements(pypi, private["build_environment"])
    project = source.get("subdirectory") or ""
    given = {os.path.normpath(os.path.join(project, name)): text for name, text in private["project_files"].items()}
    paths = paths_of(project, listed)
    try:
        if source.get("git"):
            texts = git_files(builder, source, params["plan"]["revision"], private["access"], paths)
        elif (upload := params.get("upload")) and not _trusts_no_server(params):
            url = str(source["archive"])
            download(fetcher(private["authorization"]), url, str(source["checksum"]), upload)
            texts = _read(builder, url, upload, paths)
        else:
            return []
        return requirements({**texts, **given}, project, listed)
    except (ReleaseError, ValueError) as error:
        raise ReleaseError(f"{error} Nothing was changed.") from error


def _trusts_no_server(params: Params) -> bool:
    return AUTHORITIES in params["missing_packages"]


def _read(builder: Builder, url: str, archive: str, paths: Sequence[str]) -> dict[str, str]:
    """Read *paths* of the *archive* that came from *url* as the building user, as it is a stranger's."""
    os.chmod(archive, 0o444)
    argv = [SYSTEM_PYTHON, "-I", "-c", inspect.getsource(archive_reader), ARCHIVE, *paths]
    code, out, err = builder.attempt(argv, readable=[f"{archive}:{ARCHIVE}"])
    if code != 0:
        raise ReleaseError(f"source: '{url}' cannot be read: {' '.join(tail(err).split())}.")
    found: dict[str, str] = json.loads(out)
    return found
