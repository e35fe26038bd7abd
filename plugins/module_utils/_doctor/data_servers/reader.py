# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that the app's own Python runs as the app: connects to its servers, and says why one refuses.

It may use only the standard library and what the app has installed. Settings that do not load give no answer.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import sys
from importlib import import_module
from types import FrameType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

IMPORT_SECONDS, CONNECT_SECONDS = 20, 5
# A driver that blocks ends by its own option, which has the same time.
EACH_SECONDS = CONNECT_SECONDS + 3
MAX_SERVERS = 6
SECONDS = IMPORT_SECONDS + MAX_SERVERS * EACH_SECONDS
# Variables with the URL of a cache or broker, and the kind of server. The first of a server names it.
VARIABLES = {"CACHE_URL": "cache", "BROKER_URL": "broker", "REDIS_URL": "broker"}
POSTGRESQL_PORT, VALKEY_PORT = 5432, 6379
# The client asks for TLS (PostgreSQL's documentation, "Message Formats", SSLRequest).
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
MAX_ERROR = 1000  # characters


def stop(_signal: int, _frame: FrameType | None) -> None:
    """Raise TimeoutError when the time is over."""
    raise TimeoutError("no answer in time")


def text_of(error: BaseException) -> str:
    """The error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:MAX_ERROR]


def database(connection: Any) -> tuple[str, str]:
    """Connect as the app does; return why that failed, and what is wrong with the certificate. Empty for success."""
    given = connection.settings_dict
    options = given.setdefault("OPTIONS", {})
    if connection.vendor in ("postgresql", "mysql"):
        options.setdefault("connect_timeout", CONNECT_SECONDS)
    try:
        connection.ensure_connection()
    except Exception as error:
        said = text_of(error)
        if connection.vendor == "postgresql" and "certificate" in said:
            file, port = options.get("sslrootcert"), int(given.get("PORT") or POSTGRESQL_PORT)
            return said, certificate_error(str(given.get("HOST") or ""), port, str(file or ""))
        return said, ""
    return "", ""


def certificate_error(host: str, port: int, authority: str) -> str:
    """What OpenSSL finds wrong with the certificate of a PostgreSQL server: libpq does not say it."""
    try:
        context = ssl.create_default_context(cafile=authority or None)
        with socket.create_connection((host, port), CONNECT_SECONDS) as plain:
            plain.sendall(SSL_REQUEST)
            if plain.recv(1) == b"S":
                context.wrap_socket(plain, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message)
    except (OSError, ValueError):
        pass
    return ""


def valkey(url: str) -> str:
    """Log in to a Valkey or Redis server and ask for an answer; return why that failed, empty for success."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    host = parts.hostname or ""
    words = [unquote(one) for one in (parts.username, parts.password) if one]
    try:
        with socket.create_connection((host, parts.port or VALKEY_PORT), CONNECT_SECONDS) as plain:
            server = plain
            if parts.scheme == "rediss":
                context = ssl.create_default_context(cafile=query.get("ssl_ca_certs"))
                if query.get("ssl_cert_reqs", "").lower() in ("none", "cert_none"):
                    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                server = context.wrap_socket(plain, server_hostname=host)
            for command in ([["AUTH", *words]] if words else []) + [["PING"]]:
                parts_of = [f"${len(word.encode())}\r\n{word}\r\n" for word in command]
                server.sendall(f"*{len(command)}\r\n{''.join(parts_of)}".encode())
                answer = server.recv(MAX_ERROR).decode(errors="replace")
                if not answer.startswith("+"):
                    return " ".join(answer.split()) or "the server closed the connection"
    except (OSError, ValueError) as error:
        return text_of(error)
    return ""


def databases() -> list[dict[str, Any]]:
    """The answer of each database that is on a server."""
    connections = import_module("django.db").connections
    found = []
    for alias in list(connections)[:MAX_SERVERS]:
        connection = connections[alias]
        given = connection.settings_dict
        if connection.vendor == "sqlite":
            continue
        signal.alarm(EACH_SECONDS)
        error, tls = database(connection)
        names = {name.lower(): str(given.get(name) or "") for name in ("HOST", "PORT", "NAME", "USER")}
        found.append({"kind": "database", "label": str(alias), "vendor": str(connection.vendor), **names})
        found[-1] |= {"error": error, "tls": tls}
    return found


def instances(environment: dict[str, str]) -> list[dict[str, object]]:
    """The answer of each cache and broker on a host that a variable names."""
    found: dict[tuple[str, str], dict[str, object]] = {}
    for name, kind in VARIABLES.items():
        parts = urlsplit(environment.get(name, ""))
        if parts.scheme not in ("redis", "rediss") or not parts.hostname:
            continue
        place = parts.hostname, str(parts.port or VALKEY_PORT)
        if place not in found:
            signal.alarm(EACH_SECONDS)
            found[place] = {"kind": kind, "label": name, "vendor": "valkey", "host": place[0], "port": place[1]}
            found[place]["error"] = valkey(environment[name])
    return list(found.values())


def main() -> None:
    """Print the answers; the output of the project goes to standard error."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    signal.signal(signal.SIGALRM, stop)
    found: list[dict[str, object]] = []
    for ask in (databases, lambda: instances(dict(os.environ))):
        signal.alarm(IMPORT_SECONDS)
        try:
            found += ask()
        # Settings may also call sys.exit(), and another finding explains those that do not load.
        except BaseException as error:
            sys.stdout.write(f"{text_of(error)}\n")
    signal.alarm(0)
    output.write(json.dumps(found) + "\n")
    output.flush()
    # A thread that the project started must not keep the process running.
    os._exit(0)


if __name__ == "__main__":
    main()
