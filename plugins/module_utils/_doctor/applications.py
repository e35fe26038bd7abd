# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The applications of a host that listen, and which of them a site is meant for.

A remedy must never lead visitors to another application, so this needs a reason: the files that the site publishes.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import (
    describe,
    unit_of,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

PYTHON = re.compile(r"gunicorn|uvicorn|daphne|hypercorn|granian|uwsgi|waitress|python[\d.]*", re.IGNORECASE)
PROCESS = re.compile(r'users:\(\("([^"]+)",pid=(\d+)')
# Too general to say to which application a file belongs.
SHARED = ("/", APPS, "/opt", "/home", "/root", "/var", "/var/www", "/usr", "/etc", "/tmp", "/run")
# gunicorn's control socket (setting `control_socket`, since 25.1) takes no requests.
CONTROL = "/gunicorn.ctl"


@dataclass(frozen=True)
class Application:
    """A Python program that listens on *address*, or will when a connection comes."""

    address: str
    # How a finding names it.
    name: str
    # The directory of its project, empty where that is not known.
    directory: str = ""
    # The app of role django_app.
    app: str = ""


def applications(host: Host) -> list[Application]:
    """All of them: apps of role django_app, socket units of operators, and what listens on ports and unix sockets."""
    found: dict[str, Application] = {}
    for path in sorted(glob(f"{APPS}/*/current/web.sock")):
        name = Path(path).parts[-3]
        found[f"unix:{App(name).link}/web.sock"] = Application(
            f"unix:{App(name).link}/web.sock", f"the app {name}", App(name).home, name
        )
    for address, unit in host.sockets.items():
        if unit.is_handmade and unit.is_active:
            service = describe(host.run, [unit.service]).get(unit.service)
            found.setdefault(address, Application(address, unit.service, service.directory if service else ""))
    for one in _listeners(host):
        found.setdefault(one.address, one)
    return list(found.values())


def meant_for(host: Host, server: Directive) -> list[Application]:
    """The applications whose project has files that *server* publishes."""
    files = [
        directory for _location, _path, directory in (*sites.alias_locations(server), *sites.root_locations(server))
    ]
    return [one for one in applications(host) if any(is_inside(directory, one.directory) for directory in files)]


def is_inside(directory: str, project: str) -> bool:
    """Whether *directory* belongs to the project, whose directory is not one that several share."""
    top, inner = os.path.normpath(project or "/"), os.path.normpath(directory)
    return top not in SHARED and (inner == top or inner.startswith(f"{top}/"))


def _listeners(host: Host) -> Iterator[Application]:
    if not shutil.which("ss"):
        return
    for options, column in (("-Hltnp", 3), ("-Hlxnp", 4)):
        for line in host.run(["ss", options])[1].splitlines():
            columns, process = line.split(), PROCESS.search(line)
            if not process or len(columns) <= column or not PYTHON.match(process[1]):
                continue
            address = columns[column]
            # Sockets of releases are among the apps. An abstract socket begins with "@".
            if column == 4 and (not address.startswith("/") or address.startswith(f"{APPS}/")):
                continue
            if address.endswith(CONTROL):
                continue
            unit = unit_of(int(process[2]))
            service = describe(host.run, [unit]).get(unit) if unit else None
            name = unit or f"{process[1]} (process {process[2]})"
            given = f"unix:{address}" if column == 4 else re.sub(r"^(?:\*|0\.0\.0\.0):", "127.0.0.1:", address)
            yield Application(given, name, service.directory if service else "")
