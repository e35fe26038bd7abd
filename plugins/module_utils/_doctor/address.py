# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an application is: whether anybody listens there, and what the right address may be."""

from __future__ import annotations

import os
import re
import shutil
import socket
from glob import glob

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

PATIENCE = 3.0  # seconds for a connection
PYTHON = re.compile(r"gunicorn|uvicorn|daphne|hypercorn|granian|uwsgi|python[\d.]*", re.IGNORECASE)


def unix_path(address: str) -> str:
    """The path of a unix socket, nothing for another address."""
    return address.removeprefix("unix:") if address.startswith("unix:") else ""


def refusal(host: Host, address: str) -> str:
    """Why nobody can connect to *address*, nothing where one can."""
    path = unix_path(address)
    try:
        if path:
            code = host.worker_connects(path, PATIENCE)
            if code:
                # OSError makes the exception that belongs to the number.
                raise OSError(code, os.strerror(code))
        else:
            name, _colon, port = address.rpartition(":")
            socket.create_connection((name.strip("[]"), int(port)), timeout=PATIENCE).close()
    except FileNotFoundError:
        return "there is no socket"
    except ConnectionRefusedError:
        return "nothing listens"
    except BlockingIOError:
        return "the queue of connections is full"
    except TimeoutError:
        return f"nothing answers within {PATIENCE:.0f} seconds"
    except (OSError, ValueError) as error:
        return f"no connection is to be had: {getattr(error, 'strerror', None) or error}"
    return ""


def real_address(host: Host, location: Directive) -> tuple[str, str]:
    """Where the application is really to be found, as the end of a sentence, and the line that leads there."""
    server = location
    while server.parent and server.name != "server":
        server = server.parent
    known = sorted(path.split("/")[2] for path in glob("/srv/*/current/web.sock"))
    # The files that the site publishes tell which of several apps it is.
    mine = {
        match[1] for _place, _path, alias in sites.published(server) if (match := re.match(r"/srv/([^/]+)/", alias))
    }
    likely = [app for app in known if app in mine] or known
    if len(likely) == 1:
        address = f"unix:{App(likely[0]).link}/web.sock"
        remedy = f"Write 'proxy_pass http://{address};' in {_where(location)} and `systemctl reload nginx`."
        if host.is_ours(location):
            remedy = f"Write 'app: {likely[0]}' in place of its upstream for the site in django_sites."
        return f"; the app {likely[0]} listens on {address}", remedy
    heard = [f"unix:{App(app).link}/web.sock" for app in known] + _listening(host)
    if not heard:
        return "", ""
    return (
        f"; on this host applications listen on {', '.join(heard)}",
        f"Write the address of the right one in {_place(host, location)}, or start the one that is meant.",
    )


def _where(location: Directive) -> str:
    passed = sites.passed_to(location)
    return passed.where if passed else location.where


def _place(host: Host, location: Directive) -> str:
    return "upstream of the site in django_sites" if host.is_ours(location) else _where(location)


def _listening(host: Host) -> list[str]:
    """What the host's Python servers listen on, over TCP."""
    if not shutil.which("ss"):
        return []
    _rc, out, _err = host.run(["ss", "-Hltnp"])
    found = []
    for line in out.splitlines():
        columns, process = line.split(), re.search(r'users:\(\("([^"]+)"', line)
        if len(columns) > 3 and process and PYTHON.match(process[1]):
            found.append(f"{columns[3]} ({process[1]})")
    return list(dict.fromkeys(found))
