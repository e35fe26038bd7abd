# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host of an app knows of the app's services on other hosts: their passwords, and the way to them."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    AUTHORITIES_DIRECTORY,
    POSTGRESQL_PROGRAMS,
)

# The variable of the app's environment that has the URL of each service.
VARIABLES = {"database": "DATABASE_URL", "cache": "CACHE_URL", "broker": "BROKER_URL"}
PASSWORD_BYTES = 32
PORTS = {"database": "5432"}  # of a URL without a port
# The words of libpq and of redis-py for the file with the certificate of the server's authority.
AUTHORITY_OPTIONS = ("sslrootcert", "ssl_ca_certs")
ANY_PORT = 9  # no packet is sent: connect(2) of a datagram socket only chooses the route


class AccessError(Exception):
    """The server cannot be reached from this host; the text names the remedy."""


def passwords(app: App) -> dict[str, str]:
    """Return the password of each service in the environment of the release that is served; empty if it has none."""
    environment = _environment(app)
    return {kind: password_of(environment.get(name, "")) for kind, name in VARIABLES.items()}


def used(app: App) -> dict[str, str]:
    """Return the host of each service on another host that the release uses which is served."""
    return {one["kind"]: one["host"] for one in elsewhere(_environment(app))}


def _environment(app: App) -> dict[str, str]:
    current = app.current()
    return systemd.environment(f"{app.release(current)}/env") if current else {}


def elsewhere(environment: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the services on other hosts that Gatehouse made, from an app's *environment*.

    Each has its `kind`, the `host` in the inventory, and the `address` and `port` by which the app reaches it. The name
    of the file with the authority is that of the host.
    """
    found = []
    for kind, name in VARIABLES.items():
        try:
            parts = urlsplit(environment.get(name, ""))
            address, port = parts.hostname or "", str(parts.port or PORTS.get(kind, ""))
        except ValueError:
            continue
        query = parse_qs(parts.query)
        for file in (Path(query[one][0]) for one in AUTHORITY_OPTIONS if one in query):
            if address and str(file.parent) == AUTHORITIES_DIRECTORY and file.suffix == ".pem":
                found.append({"kind": kind, "host": file.stem, "address": address, "port": port})
    return found


def password_of(url: str) -> str:
    """Return the password in a URL; empty if there is none."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def proposals() -> dict[str, str]:
    """Return a new password for each service, of characters that a URL can have as they are."""
    return {kind: secrets.token_urlsafe(PASSWORD_BYTES) for kind in VARIABLES}


def pg_dump_version() -> int:
    """Return the major version of the pg_dump that postgresql-common chooses for other hosts; 0 without one."""
    found = (path.parts[-3] for path in Path(POSTGRESQL_PROGRAMS).glob("*/bin/pg_dump"))
    return max((int(name) for name in found if name.isdigit()), default=0)


def source_address(kind: str, server: str) -> str:
    """Return the address of this host from which it reaches the *server*; raise AccessError if it cannot."""
    try:
        found = socket.getaddrinfo(server, ANY_PORT, type=socket.SOCK_DGRAM)
        family, _type, protocol, _name, address = found[0]
        with socket.socket(family, socket.SOCK_DGRAM, protocol) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0]).partition("%")[0]
    except OSError as error:
        raise AccessError(
            f"{kind}: host: the app's host cannot reach '{server}' ({error.strerror or error}). Set gatehouse_address "
            "of that host in the inventory to the name or the address by which apps reach it. Nothing was changed."
        ) from error
