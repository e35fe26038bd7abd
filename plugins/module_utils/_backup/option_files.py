# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replace the options of a backup: the new ones are tried beside those in use, and take their place all at once.

One rename(2) makes the new ones those in use (`Place.option`). A run that is killed leaves the former or the new ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import ACCEPTED, PREPARED, Place
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree

NAMES = ("config.json", "environment.json", "ssh_key", "known_hosts", "password", "proven")
MODE = 0o600


def prepare(place: Place, contents: Mapping[str, str | None]) -> Place:
    """Write the *contents* by name beside the options in use; return where they can be tried."""
    finish(place)
    discard(place)
    files.make_directory(place.home, 0o700)
    trial = dataclasses.replace(place, stage=PREPARED)
    files.make_directory(place.home / PREPARED, 0o700)
    for name, content in contents.items():
        if content is not None:
            files.write(trial.option(name), content, MODE)
    files.sync_directory(place.home / PREPARED)
    return trial


def accept(place: Place) -> None:
    """Use the prepared options from now on."""
    (place.home / PREPARED).rename(place.home / ACCEPTED)
    files.sync_directory(place.home)
    finish(place)


def is_unfinished(place: Place) -> bool:
    """Whether a run was killed that tried new options, or put them in their place."""
    return any((place.home / name).exists() for name in (PREPARED, ACCEPTED))


def finish(place: Place) -> None:
    """Put each of the new options in its place."""
    if not (place.home / ACCEPTED).is_dir():
        return
    for name in NAMES:
        content = files.read(place.home / ACCEPTED / name)
        if content is None:
            files.remove(place.home / name)
        else:
            files.replace(place.home / name, content, MODE)
    discard(place)
    # Not file by file: what is left of the directory would be the options in use.
    (place.home / ACCEPTED).rename(place.home / PREPARED)
    files.sync_directory(place.home)
    discard(place)


def discard(place: Place) -> None:
    """Remove options that were prepared."""
    tree.remove_tree(str(place.home / PREPARED))
