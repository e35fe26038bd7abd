# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an application listens on an address, and which addresses applications of this host listen on."""

from __future__ import annotations

import os
import re
import socket

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host

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
