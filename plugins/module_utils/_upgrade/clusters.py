# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clusters of the host, as postgresql-common keeps them: list, start, stop, move and drop them."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    POSTGRESQL_CONFIGURATION,
    POSTGRESQL_PROGRAMS,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import (
    PORT,
    PROGRAM,
    PostgresqlError,
    psql,
)

# A cluster recovers from its log before it accepts a connection.
START_SECONDS = 600.0
POLL_SECONDS = 0.2
LAST_PORT = 5532
FIRST_OID = 16384  # of what users make (FirstNormalObjectId)


@dataclass(frozen=True)
class Server:
    """One cluster of the host."""

    major: str
    name: str
    port: str
    data: str  # its directory
    is_online: bool
    log: str = ""

    @property
    def label(self) -> str:
        """Its name in messages, like `15/main`."""
        return f"{self.major}/{self.name}"

    @property
    def unit(self) -> str:
        """The unit of systemd that runs it."""
        return f"postgresql@{self.major}-{self.name}.service"

    @property
    def configuration(self) -> str:
        """The directory of its settings."""
        return f"{POSTGRESQL_CONFIGURATION}/{self.major}/{self.name}"

    @property
    def programs(self) -> str:
        """The directory of the programs of its version."""
        return f"{POSTGRESQL_PROGRAMS}/{self.major}/bin"

    def ask(self, sql: str, database: str = "postgres") -> str:
        """Run SQL as the superuser and return its output; errors come without the lines that quote data."""
        command = psql(database, self.port)
        place = command.index("--quiet")
        command.insert(place, "--set=VERBOSITY=terse")
        code, out, err = run_bounded(command, data=f"SET statement_timeout = 0; {sql};\n", cwd="/")
        if code:
            raise PostgresqlError(f"PostgreSQL {self.label}, database '{database}': {' '.join(err.split())[-600:]}")
        return out

    def databases(self) -> list[str]:
        """The databases that accept connections."""
        found = self.ask(
            "SELECT coalesce(json_agg(datname ORDER BY datname), '[]') FROM pg_database WHERE datallowconn"
        )
        return [str(name) for name in json.loads(found)]


def listed() -> list[Server]:
    """Return all clusters of the host."""
    code, out, err = run_bounded([PROGRAM, "--json"])
    if code != 0:
        raise PostgresqlError(f"{PROGRAM} failed ({code}): {err or out}")
    return [
        Server(
            major=str(one["version"]),
            name=str(one["cluster"]),
            port=str(one["port"]),
            data=str(one.get("pgdata") or ""),
            is_online=bool(one.get("running")),
            log=str(one.get("logfile") or ""),
        )
        for one in json.loads(out or "[]")
    ]


def get(major: str, name: str) -> Server | None:
    """Return one cluster, None if the host does not have it."""
    return next((one for one in listed() if (one.major, one.name) == (major, name)), None)


def require(major: str, name: str) -> Server:
    """Return one cluster; raise PostgresqlError if the host does not have it."""
    found = get(major, name)
    if found is None:
        raise PostgresqlError(f"The host has no cluster {major}/{name} any more (pg_lsclusters).")
    return found


def free_port(taken: Collection[str] = ()) -> str:
    """Return a port that no cluster has and on which nothing listens."""
    used = {PORT, *taken, *(one.port for one in listed())}
    for port in range(int(PORT) + 1, LAST_PORT):
        if str(port) not in used and _is_free(port):
            return str(port)
    raise PostgresqlError(f"No port between {PORT} and {LAST_PORT} is free for a second cluster.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def set_port(tools: Tools, one: Server, port: str) -> Server:
    """Give a cluster that is stopped the *port*; return it as it is then."""
    if one.port != port:
        tools.run(["pg_conftool", one.major, one.name, "set", "port", port])
    return require(one.major, one.name)


def start(tools: Tools, one: Server, *others: Server) -> Server:
    """Start the cluster, and *others* at once; wait until it accepts connections, and return it as it is then."""
    units = [each.unit for each in (one, *others)]
    tools.attempt(["systemctl", "reset-failed", *units])
    tools.run(["systemctl", "start", *units])
    deadline = time.monotonic() + START_SECONDS
    while True:
        code, _out, err = run_bounded(psql(port=one.port), data="SELECT 1;\n", cwd="/")
        if code == 0:
            return require(one.major, one.name)
        is_down = tools.attempt(["systemctl", "is-active", "--quiet", one.unit])[0] != 0
        if is_down or time.monotonic() > deadline:
            raise ReleaseError(f"PostgreSQL {one.label} does not start: {err.strip()}\n{last_lines(one)}")
        time.sleep(POLL_SECONDS)


def stop(tools: Tools, one: Server) -> None:
    """Stop the cluster; its clients are disconnected. A cluster that does not run stays so."""
    tools.run(["systemctl", "stop", one.unit])
    # One that was started without systemd, by pg_ctlcluster with options.
    now = get(one.major, one.name)
    if now and now.is_online:
        tools.run(["pg_ctlcluster", "--skip-systemctl-redirect", "-m", "fast", one.major, one.name, "stop"])


def set_start(tools: Tools, one: Server, text: str) -> None:
    """Write the file that says whether a boot starts the cluster: `auto` or `manual`."""
    path = Path(one.configuration, "start.conf")
    if files.read(path) != text:
        files.replace(path, text)
        tools.run(["systemctl", "daemon-reload"])


def drop(tools: Tools, major: str, name: str, data: str) -> None:
    """Drop a cluster, also one that was killed while it was made. *data* is its directory."""
    directory = Path(POSTGRESQL_CONFIGURATION, major, name)
    if not directory.is_dir() and not os.path.lexists(data):
        return
    if directory.is_dir():
        one = get(major, name)
        if one:
            stop(tools, one)
        tools.attempt(["pg_dropcluster", "--stop", major, name])
    # Without a complete configuration, pg_dropcluster does not know them.
    for left in (str(directory), data):
        if left and os.path.lexists(left):
            tree.remove_tree(left)
    tools.run(["systemctl", "daemon-reload"])


def data_beside(one: Server, major: str, name: str) -> str:
    """Return the directory for the data of a cluster of another version, on the file system of *one*.

    /var/lib/postgresql/15/main becomes /var/lib/postgresql/17/main.
    """
    parts = one.data.rstrip("/").split("/")
    if parts[-2:] == [one.major, one.name]:
        return "/".join([*parts[:-2], major, name])
    return f"{re.sub(r'/+$', '', one.data)}-{major}-{name}"


def has_data(one: Server) -> bool:
    """Return whether the cluster has a database that initdb did not make; also of one that is stopped."""
    names = os.listdir(f"{one.data}/base") if os.path.isdir(f"{one.data}/base") else []
    return any(name.isdigit() and int(name) >= FIRST_OID for name in names)


def last_lines(one: Server) -> str:
    """Return the last lines of the log of a cluster, without those that quote data."""
    try:
        with open(one.log, "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - 20_000))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    kept = [line for line in lines if re.search(r"\b(?:FATAL|PANIC|ERROR|LOG|HINT):", line)]
    return tail("\n".join(kept), 8)
