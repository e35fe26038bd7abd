# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the files of a source on the controller that say which versions of Python the project requires."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import archive_reader
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Options, Source
from ansible_collections.gatehouse.django.plugins.module_utils._app.project_python import (
    Requirement,
    paths_of,
    requirements,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source import is_url


def required_pythons(params: Options) -> list[Requirement]:
    """Return the requirements of a directory or an archive on the controller; none if the host fetches the source.

    *params* are the options. Their `files` replace files of the source. Raises ValueError for an invalid file.
    """
    source, listed = params["source"], params["requirements_file"]
    project = str(source.get("subdirectory") or "")
    given = {os.path.normpath(os.path.join(project, name)): str(text) for name, text in params["files"].items()}
    try:
        texts = _read(source, [path for path in paths_of(project, listed) if path not in given])
    except archive_reader.DAMAGED as error:
        place = source.get("archive") or source.get("directory")
        raise ValueError(f"source: '{place}' cannot be read: {error}. Nothing was changed.") from error
    return requirements({**texts, **given}, project, listed)


def _read(source: Source, paths: Sequence[str]) -> dict[str, str]:
    archive = str(source.get("archive") or "")
    if archive and not is_url(archive):
        return archive_reader.read(archive, paths)
    directory = source.get("directory")
    places = {path: os.path.join(directory, path) for path in paths} if directory else {}
    return {path: _text(place) for path, place in places.items() if os.path.isfile(place)}


def _text(path: str) -> str:
    with open(path, "rb") as file:
        return file.read(archive_reader.MAX_BYTES).decode("utf-8", errors="replace")
