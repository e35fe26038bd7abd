# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server of PostgreSQL for copies alone, on a host whose app has its database on another server.

It runs the programs of the distribution's package in a unit without network, and sees neither the clusters of the host
nor their sockets. What works with its copies sees its socket in the usual place. Its data are copies, so it never waits
for the disk.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd, tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    POSTGRESQL_PROGRAMS,
    POSTGRESQL_SOCKETS,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import (
    PORT,
    SUPERUSER,
    PostgresqlError,
    RunCommand,
)
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.scratch import SANDBOX

# Where the distribution has its clusters.
CLUSTERS = "/var/lib/postgresql"
END = "-server"
# Bytes of an empty server, with the most of its log of changes.
SIZE = 130 << 20
UNIT = (
    f"User={SUPERUSER}",
    f"Group={SUPERUSER}",
    *SANDBOX,
    "PrivateIPC=yes",
    "OOMScoreAdjust=500",
    "UMask=0077",
    "TimeoutStartSec=10min",
    # The fast shutdown (pg_ctl(1)): it does not wait for clients.
    "KillSignal=SIGINT",
    "TimeoutStopSec=30",
)
INITDB = ("--auth=peer", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", f"--username={SUPERUSER}")
SETTINGS = (
    "listen_addresses=",
    f"port={PORT}",
    f"unix_socket_directories={POSTGRESQL_SOCKETS}",
    "max_connections=40",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=minimal",
    "max_wal_size=64MB",
    "min_wal_size=32MB",
    # In its directory: nothing of a killed one stays in /dev/shm.
    "dynamic_shared_memory_type=mmap",
    "max_wal_senders=0",
    # Neither statements nor their values: they contain data of users.
    "log_min_messages=fatal",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
)


class CopyServer:
    """The server for one *purpose* of the app *name*, below its directory of *copies*, for their *user* of the host.

    *more* are further properties of its units (systemd.exec(5)); *run* has the signature of run_bounded().
    """

    def __init__(
        self,
        name: str,
        copies: str,
        user: str,
        purpose: str,
        more: Sequence[str] = (),
        run: RunCommand = run_bounded,
    ) -> None:
        self.directory = os.path.join(copies, f"{purpose}{END}")
        # No app can have a unit of this name.
        self.unit = f"gatehouse-{purpose}{END}@{name}.service"
        self._first_unit = f"gatehouse-{purpose}-new{END}@{name}.service"
        self._user, self._more, self._run = user, tuple(more), run

    @property
    def socket(self) -> str:
        """The directory of its socket, for processes outside of a unit with `bound`."""
        return os.path.join(self.directory, "socket")

    @property
    def major(self) -> str:
        """The version of its programs, like `17`."""
        return str(newest())

    @property
    def bound(self) -> list[str]:
        """The properties of a unit that finds this server in the place of the host's own."""
        # The programs of postgresql-common look for a cluster of the host unless these variables are set.
        variables = [f"Environment=PGHOST={POSTGRESQL_SOCKETS}", f"Environment=PGPORT={PORT}"]
        return [f"BindPaths={self.socket}:{POSTGRESQL_SOCKETS}", f"SupplementaryGroups={self._user}", *variables]

    def run(self, argv: Sequence[str], **options: object) -> tuple[int, str, str]:
        """Run *argv* so that a program of PostgreSQL connects to this server."""
        return self._run(["env", f"PGHOST={self.socket}", f"PGPORT={PORT}", *argv], **options)

    def start(self, major: int) -> None:
        """Make an empty server and start it; *major* is the version of the server whose databases are copied.

        Raises PostgresqlError if it does not start, or if the host has no programs of that version or a later one.
        """
        if refused := refusal(major):
            raise PostgresqlError(refused)
        self.remove()
        os.mkdir(self.directory, 0o711)
        os.chmod(self.directory, 0o711)
        owner = pwd.getpwnam(SUPERUSER)
        # Other users of the host could take all connections.
        group = pwd.getpwnam(self._user).pw_gid
        for name, mode, gid in (("data", 0o700, owner.pw_gid), ("socket", 0o750, group)):
            path = os.path.join(self.directory, name)
            os.mkdir(path, mode)
            os.chmod(path, mode)
            os.chown(path, owner.pw_uid, gid)
        programs = os.path.join(POSTGRESQL_PROGRAMS, self.major, "bin")
        made = [*systemd.systemd_run(self._properties, self._first_unit), f"{programs}/initdb", *INITDB, CLUSTERS]
        self._must(made, self._first_unit, "An empty server for copies could not be made")
        options = ["--service-type=notify", f"--description=PostgreSQL for copies in {self.directory}"]
        begun = systemd.systemd_start(self.unit, self._properties, options)
        settings = [word for one in SETTINGS for word in ("-c", one)]
        self._must(
            [*begun, f"{programs}/postgres", "-D", CLUSTERS, *settings], self.unit, "The server for copies failed"
        )

    def remove(self) -> None:
        """Stop the server and remove all that it has, also what a killed run has left of it."""
        self._run(["systemctl", "stop", self.unit, self._first_unit])
        # systemd keeps a unit that has failed.
        self._run(["systemctl", "reset-failed", self.unit, self._first_unit])
        tree.remove_tree(self.directory)

    @property
    def _properties(self) -> list[str]:
        bound = [f"{self.directory}/data:{CLUSTERS}", f"{self.socket}:{POSTGRESQL_SOCKETS}"]
        paths = [f"BindPaths={' '.join(bound)}", f"ReadWritePaths={CLUSTERS} {POSTGRESQL_SOCKETS}"]
        return [*UNIT, *paths, *self._more]

    def _must(self, command: Sequence[str], unit: str, what: str) -> None:
        code, out, err = self._run(list(command))
        if code:
            said = harmless(" ".join((err or out).split()))[-500:]
            raise PostgresqlError(f"{what} ({code}): {said} {systemd.last_words(self._run, unit, {})}".rstrip())


def newest() -> int:
    """The newest major version of the server's programs on this host; 0 if it has none."""
    found = os.listdir(POSTGRESQL_PROGRAMS) if os.path.isdir(POSTGRESQL_PROGRAMS) else []
    return max((int(one) for one in found if one.isdecimal() and _has_server(one)), default=0)


def refusal(major: int) -> str:
    """Return why this host can run no server for copies of databases of a server of this *major* version; or nothing.

    PostgreSQL loads the dump of an earlier version, and not always that of a later one (pg_dump(1), "Notes").
    """
    if newest() >= max(major, 1):
        return ""
    has = f"only those of version {newest()}" if newest() else "none"
    package = f"postgresql-{major}" if major else "postgresql"
    return f"a copy needs the programs of PostgreSQL's server on this host, which has {has}: install {package}"


def major_of(version: str) -> int:
    """The major version in what a server says of itself, like `17.6 (Debian 17.6-0+deb13u1)`; 0 if there is none."""
    found = re.match(r"\d{1,4}", version)
    return int(found[0]) if found else 0


def _has_server(major: str) -> bool:
    return os.access(os.path.join(POSTGRESQL_PROGRAMS, major, "bin", "postgres"), os.X_OK)
