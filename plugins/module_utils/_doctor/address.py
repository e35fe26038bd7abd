# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an application listens on an address, and which addresses applications of this host listen on."""

from __future__ import annotations

import os
import re
import shutil
import socket
from glob import glob
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

CONNECT_SECONDS = 3.0
PYTHON = re.compile(r"gunicorn|uvicorn|daphne|hypercorn|granian|uwsgi|python[\d.]*", re.IGNORECASE)


def unix_path(address: str) -> str:
    """The path of a unix socket, empty for another address."""
    return address.removeprefix("unix:") if address.startswith("unix:") else ""


def connection_error(host: Host, address: str) -> OSError | ValueError | None:
    """Connect to *address*; return the error, None for success."""
    path = unix_path(address)
    try:
        if path:
            code = host.worker_connects(path, CONNECT_SECONDS)
            # OSError makes the exception that belongs to the number.
            return OSError(code, os.strerror(code)) if code else None
        name, _colon, port = address.rpartition(":")
        socket.create_connection((name.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        return error
    return None


def probable_apps(server: Directive) -> list[str]:
    """The apps of role django_app on this host: those whose files the site publishes, or all."""
    known = sorted(Path(path).parts[-3] for path in glob(f"{APPS}/*/current/web.sock"))
    aliases = (alias for _location, _path, alias in sites.alias_locations(server))
    published = {match[1] for alias in aliases if (match := re.match(rf"{APPS}/([^/]+)/", alias))}
    return [app for app in known if app in published] or known


def socket_address(app: str) -> str:
    """The address of an app of role django_app."""
    return f"unix:{App(app).link}/web.sock"


def python_listeners(host: Host) -> list[str]:
    """The TCP addresses that Python servers of the host listen on, each with the name of the program."""
    if not shutil.which("ss"):
        return []
    _rc, out, _err = host.run(["ss", "-Hltnp"])
    found = []
    for line in out.splitlines():
        columns, process = line.split(), re.search(r'users:\(\("([^"]+)"', line)
        if len(columns) > 3 and process and PYTHON.match(process[1]):
            found.append(f"{columns[3]} ({process[1]})")
    return list(dict.fromkeys(found))
