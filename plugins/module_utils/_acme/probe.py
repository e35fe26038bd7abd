# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request a test file as the authority requests its challenge: an authority blocks accounts with many failures."""

from __future__ import annotations

import http.client
import secrets
import socket
import time
from collections.abc import Collection
from pathlib import Path
from typing import cast

from ansible_collections.gatehouse.django.plugins.module_utils._core.bounded import BoundedSocket, left

PATH = ".well-known/acme-challenge"
# Seconds for a whole answer: the server may belong to anyone, and send one without an end.
TIMEOUT = 10.0


def probe(names: Collection[str], webroot: Path, port: int = 80) -> list[str]:
    """Return a sentence for each of *names* under which a file of *webroot* cannot be requested over HTTP."""
    directory = webroot / PATH
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    token = f"gatehouse-probe-{secrets.token_hex(16)}"
    file = directory / token
    try:
        file.write_text(token, encoding="ascii")
        return [sentence for name in names for sentence in _probe_name(name, port, token)]
    finally:
        file.unlink(missing_ok=True)


def _resolve(name: str, port: int) -> str:
    return str(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][4][0])


def _probe_name(name: str, port: int, token: str) -> list[str]:
    try:
        address = _resolve(name, port)
    except (OSError, UnicodeError) as error:
        return [f"{name} cannot be resolved: {getattr(error, 'strerror', None) or error}. Create its DNS record first."]
    found = _request_problem(address, port, name, token)
    if found is None:
        return []
    # Distinguish the network from the host itself.
    if _request_problem("127.0.0.1", port, name, token):
        diagnosis = "nginx does not answer correctly on the host itself either."
    else:
        diagnosis = "On the host itself nginx answers correctly: check the DNS record, firewalls and proxies."
    return [f"http://{name}/{PATH}/ resolves to {address}, which {found}. {diagnosis}"]


def _request_problem(address: str, port: int, name: str, token: str) -> str | None:
    """The problem with the answer, None for the right answer."""
    deadline = time.monotonic() + TIMEOUT
    try:
        with socket.create_connection((address, port), timeout=left(deadline)) as sock:
            connection = http.client.HTTPConnection(address, port)
            connection.sock = cast("socket.socket", BoundedSocket(sock, deadline))
            connection.request("GET", f"/{PATH}/{token}", headers={"Host": name, "Connection": "close"})
            answer = connection.getresponse()
            body = answer.read(1000).decode(errors="replace").strip()
    except TimeoutError:
        return f"does not answer on port {port} within {TIMEOUT:.0f} seconds"
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer on port {port}: {getattr(error, 'strerror', None) or error or type(error).__name__}"
    return None if answer.status == 200 and body == token else f"answers {answer.status} with other content"
