# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The instances of Valkey or Redis on a host: what each is called, where its files are, and what it answers.

An instance of an app is called `<app>-cache` or `<app>-broker`. Its socket and data have the same places with both
programs, because the controller writes the socket into the app's environment without knowing the host.
"""

from __future__ import annotations

import os
import re
import socket as sockets
import time
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.bounded import left
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    PACKAGED_UNIT_DIRECTORIES,
    RUN_DIRECTORY,
    UNIT_DIRECTORY,
    VALKEY_DIRECTORY,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

STATE_DIRECTORY = "/var/lib"
KINDS = ("cache", "broker")
# An app's name has up to 26 characters. systemd allows 31 in the name of a user: see user().
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
# In the configuration of an instance for an app on other hosts.
PORT = re.compile(r"^tls-port (\d+)$", re.MULTILINE)
MEMORY = re.compile(r"([1-9][0-9]{0,5})([MG])")
DEFAULT_MEMORY = "256M"
LEAST_MEMORY = 16 << 20  # bytes: an empty instance takes 2 to 4 MB
ANSWER_SECONDS = 2.0
MAX_ANSWER_BYTES = 1 << 20  # INFO has 7 KB


class NoAnswer(Exception):
    """The instance does not answer, or refuses to; the text is the reason."""


@dataclass(frozen=True)
class Engine:
    """A program of the distribution with a template unit."""

    name: str  # `valkey` or `redis`

    @property
    def package(self) -> str:
        """The package, which is also the name of its own server's unit."""
        return f"{self.name}-server"

    @property
    def program(self) -> str:
        """The path of the server."""
        return f"/usr/bin/{self.name}-server"

    def unit(self, name: str) -> str:
        """The unit of an instance."""
        return f"{self.package}@{name}.service"

    def drop_in(self, name: str) -> str:
        """The file that makes the package's template the unit of this instance."""
        return f"{UNIT_DIRECTORY}/{self.unit(name)}.d/gatehouse.conf"

    def packaged_configuration(self, name: str) -> str:
        """Where the package's template looks for the configuration of an instance that others have made."""
        return f"/etc/{self.name}/{self.name}-{name}.conf"

    def is_installed(self) -> bool:
        """Return whether the host has the template unit."""
        places = (*PACKAGED_UNIT_DIRECTORIES, UNIT_DIRECTORY)
        return any(os.path.exists(f"{place}/{self.package}@.service") for place in places)


VALKEY, REDIS = Engine("valkey"), Engine("redis")
ENGINES = (VALKEY, REDIS)


def instance(app: str, kind: str) -> str:
    """The name of an app's instance."""
    return f"{app}-{kind}"


def configuration(name: str) -> str:
    """The configuration file of an instance. A broker that was stopped keeps it."""
    return f"{VALKEY_DIRECTORY}/{name}.conf"


def socket(name: str) -> str:
    """The socket of an instance, in a directory that only its group can enter."""
    return f"{RUN_DIRECTORY}/valkey-{name}/valkey.sock"


def data(name: str) -> str:
    """The data of a broker (systemd.exec(5), StateDirectory= with DynamicUser=)."""
    return f"{STATE_DIRECTORY}/private/valkey-{name}"


def engine_of(name: str) -> Engine | None:
    """The engine that runs the instance; None if there is none, or if it was stopped for good."""
    return next((engine for engine in ENGINES if os.path.exists(engine.drop_in(name))), None)


def is_remote(name: str) -> bool:
    """Whether the instance is for an app on other hosts."""
    return PORT.search(files.read(configuration(name)) or "") is not None


def of_app(app: str) -> list[str]:
    """The instances of *app* that the host has, also stopped ones.

    Those for other hosts are not among them: they outlive an app of the same name on this host.
    """
    names = (instance(app, kind) for kind in KINDS)
    return [name for name in names if (engine_of(name) or os.path.exists(configuration(name))) and not is_remote(name)]


def parse_memory(text: str) -> int:
    """Return the bytes of a memory limit like `256M`; raise ValueError with what is wrong with it."""
    found = MEMORY.fullmatch(text)
    if not found:
        raise ValueError(f"memory '{text}' must be a whole number with M or G, like 256M")
    size = int(found[1]) << {"M": 20, "G": 30}[found[2]]
    if size < LEAST_MEMORY:
        raise ValueError(f"memory '{text}' is too little: use {LEAST_MEMORY >> 20}M or more")
    return size


def shown(size: int) -> str:
    """Return bytes in MB, as an operator writes a limit."""
    return f"{max(1, round(size / (1 << 20)))}M"


def info(path: str, seconds: float = ANSWER_SECONDS) -> dict[str, str]:
    """Return what the instance at the socket *path* says of itself (INFO); raise NoAnswer with the reason."""
    try:
        text = _ask(path, b"INFO\r\n", time.monotonic() + seconds)
    except (OSError, ValueError) as error:
        raise NoAnswer(str(error) or f"no answer within {seconds:.0f} s") from error
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def _ask(path: str, command: bytes, deadline: float) -> str:
    """Send an inline command and return the bulk string of its answer (https://valkey.io/topics/protocol)."""
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
        connection.settimeout(left(deadline))
        connection.connect(path)
        connection.sendall(command)
        answer = b""
        while b"\r\n" not in answer:
            answer += _receive(connection, deadline, answer)
        head, _line_end, body = answer.partition(b"\r\n")
        if not re.fullmatch(rb"\$[0-9]{1,7}", head):
            # An error, like `-LOADING Valkey is loading the dataset in memory`.
            raise ValueError(harmless(head[:200].decode("ascii", errors="replace").lstrip("-")))
        while len(body) < int(head[1:]):
            body += _receive(connection, deadline, body)
    return body[: int(head[1:])].decode("utf-8", errors="replace")


def _receive(connection: sockets.socket, deadline: float, before: bytes) -> bytes:
    connection.settimeout(left(deadline))
    received = connection.recv(65536)
    if not received:
        raise ValueError("it closed the connection")
    if len(before) > MAX_ANSWER_BYTES:
        raise ValueError("its answer is too long")
    return received
