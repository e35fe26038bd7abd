# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit of a process that works on copies of an app's data.

Its user can connect to no live database. Another directory is in the place of the app's data, there is no network, and
the sockets of the app's cache and broker cannot be reached: no mail is sent, and no worker gets a task.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._app.environment import render
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, systemd, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import POSTGRESQL_SOCKETS
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PORT
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal import copies
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.copies import Copy

SETTINGS = "gatehouse_copy"
# Where tasks go that a process sends: into its own memory.
NO_BROKER = "memory://"


def write_program(directory: str, text: str) -> None:
    """Write the settings for copies into *directory*, which every user can read."""
    os.mkdir(directory, 0o755)
    files.write(Path(directory, f"{SETTINGS}.py"), text)


def write_environment(path: str, given: Mapping[str, str], program: str, user: str, made: Iterable[Copy]) -> None:
    """Write into the file *path*, which only root can read, what differs from the environment *given* of a release."""
    servers = [copy for copy in made if copy.live.vendor == "postgresql"]
    # The same for all: one server has all copies.
    place = {"HOST": POSTGRESQL_SOCKETS, "PORT": PORT} if any(copies.is_far(copy.live) for copy in servers) else {}
    entries = {copy.live.name: {"NAME": copy.where, "USER": user, **place} for copy in servers}
    aliases = {alias: entries[copy.live.name] | {"NAME": copy.where} for copy in servers for alias in copy.aliases}
    found = {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "PYTHONPATH": ":".join(one for one in (program, given.get("PYTHONPATH", "")) if one),
        "GATEHOUSE_COPIES": json.dumps({"aliases": aliases, "names": entries}),
        **{name: NO_BROKER for name in given if name.endswith("BROKER_URL")},
    }
    url = urlsplit(given.get("DATABASE_URL", ""))
    if url.path.removeprefix("/") in entries:
        # Some code reads it again, besides the settings.
        found["DATABASE_URL"] = f"{url.scheme}://{user}@/{entries[url.path.removeprefix('/')]['NAME']}"
    files.write(Path(path), render(found), 0o600)


def properties(app: App, release: str, sandbox: Sequence[str], data: str, environment: str) -> list[str]:
    """Return the properties of a unit that runs code of *release* with *data* in the place of the app's.

    *sandbox* are the properties of the app's own processes; *environment* is the file of write_environment().
    """
    sockets = " ".join(f"-{os.path.dirname(valkey.socket(f'{app.name}-{kind}'))}" for kind in valkey.KINDS)
    return [
        *sandbox,
        f"User={app.copy_user}",
        # The code of a release is readable for this group.
        f"Group={app.name}",
        f"EnvironmentFile={release}/env",
        f"EnvironmentFile={environment}",
        f"WorkingDirectory={release}/project",
        f"BindPaths={data}:{app.data}",
        # As for the app's own processes: some projects have files below it.
        f"Environment=HOME={app.data}",
        "PrivateNetwork=yes",
        f"InaccessiblePaths={sockets}",
        # All processes of the app share its limit of memory: of these, the kernel ends this one first.
        "OOMScoreAdjust=1000",
    ]


def environment_of(release: str) -> dict[str, str]:
    """Return the environment of a release."""
    return systemd.environment(os.path.join(release, "env"))
