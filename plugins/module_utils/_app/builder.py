# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run git, unpackers and build tools as the building user, without access to the app's data, secrets and database."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import time_limit
from ansible_collections.gatehouse.django.plugins.module_utils._app.environment import render
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail
from ansible_collections.gatehouse.django.plugins.module_utils._core import unit_end
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    POSTGRESQL_SOCKETS,
    RUN_DIRECTORY,
    SYSTEMD_SOCKETS,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import escape_dollars

# systemd.exec(5), systemd.resource-control(5). Node needs memory that is both writable and executable.
SANDBOX = (
    "UMask=0022",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateIPC=yes",
    "PrivateDevices=yes",
    "PrivateUsers=yes",
    "TemporaryFileSystem=/dev/shm:rw,size=64M,mode=1777,nosuid,nodev",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "RemoveIPC=yes",
    "KeyringMode=private",
    "SystemCallArchitectures=native",
    "SystemCallErrorNumber=EPERM",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged",
    # Sockets of databases and brokers that trust local users, and of systemd, which lists processes.
    f"InaccessiblePaths=-{POSTGRESQL_SOCKETS} -/run/mysqld -/run/redis -/run/valkey {SYSTEMD_SOCKETS}",
    "KillMode=control-group",
    # Not in the app's slice: a build must not make the kernel kill the app's processes.
    "MemoryMax=50%",
    "MemorySwapMax=0",
    "CPUWeight=50",
    "TasksMax=2048",
    "LimitNOFILE=65536",
)
OUT_OF_MEMORY = (
    "A build can use half of the host's memory, and no swap (MemoryMax=50%). Give the host more memory, or let the "
    "build use less, with variables in build_environment: UV_CONCURRENT_BUILDS: '1' for packages that uv compiles, "
    "NODE_OPTIONS: --max-old-space-size=512 for Node.js."
)
# With uv's own 3 retries, an index that fails for 12 s ends a deployment; with 6 one that fails for a minute does not.
# pip waits 0.25 s before the first retry and doubles it. See uv's "Environment variables", pip install --retries.
RETRIES = {"UV_HTTP_RETRIES": "6", "PIP_RETRIES": "8"}
# An unprivileged user for the first run on a host, before the app has users.
NO_USER = "nobody"


class Builder:
    """Runs commands as the app's building user, each in a transient unit of its own (systemd-run(1)).

    Only the run that holds the app's lock uses the plain unit name; other runs pass a *suffix* of their own.
    """

    def __init__(self, tools: Tools, app: App, environment: Mapping[str, str], suffix: str = "") -> None:
        self._tools, self.app, self._environment = tools, app, dict(environment)
        self.unit, self.cache = f"{app.builder}{suffix}.service", app.cache
        # Any user can read the properties of a unit with systemctl, but not a file of root.
        self._secrets = f"{RUN_DIRECTORY}/gatehouse-{app.builder}{suffix}.env"

    def run(
        self,
        argv: Sequence[str],
        *,
        writable: Sequence[str] = (),
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
    ) -> str:
        """Run *argv*, which must succeed, and return its output. It can only write to *writable* directories."""
        code, out, err = self.attempt(argv, writable=writable, cwd=cwd, env=env)
        if code != 0:
            raise ReleaseError(f"'{' '.join(argv[:4])}' failed ({code}):\n{tail(err or out)}")
        return out

    def attempt(
        self,
        argv: Sequence[str],
        *,
        writable: Sequence[str] = (),
        readable: Sequence[str] = (),
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
    ) -> tuple[int, str, str]:
        """Run *argv* and return its exit code, standard output and standard error.

        Of the app's shared virtual environments, it sees only those in *readable* and *writable*.
        """
        variables = {"HOME": self.app.cache, **RETRIES, **self._environment, **(env or {})}
        start = time.monotonic()
        try:
            self._write(render(variables))
            properties = self._properties(writable, readable, cwd)
            code, out, err = time_limit.attempt(self._tools, properties, self.unit, list(map(escape_dollars, argv)))
        finally:
            self.forget()
        if code < 0:
            # The command has lost the process that waited for it, and goes on writing.
            self.stop()
        ended = unit_end.explain(self._tools.attempt, self.unit, code, start, OUT_OF_MEMORY)
        return code, out, f"{err.rstrip()}\n{ended}".lstrip() if ended else err

    def stop(self) -> None:
        """Stop the unit of a run that was killed."""
        self._tools.attempt(["systemctl", "stop", self.unit])
        self.forget()

    def forget(self) -> None:
        """Remove the file with the environment, which can contain passwords."""
        try:
            os.unlink(self._secrets)
        except FileNotFoundError:
            pass

    def _write(self, text: str) -> None:
        self.forget()
        descriptor = os.open(self._secrets, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            # write(2) names no file, and it is not the app's file system that is full.
            raise OSError(error.errno, error.strerror, self._secrets) from error

    def _properties(self, writable: Sequence[str], readable: Sequence[str], cwd: str) -> list[str]:
        return [
            *self._user(),
            *SANDBOX,
            f"InaccessiblePaths=-{self.app.data}",
            f"EnvironmentFile={self._secrets}",
            f"WorkingDirectory={cwd}",
            # Only the app can enter the directory of the environments: here, a tmpfs takes its place. systemd would
            # create a missing mount point on the host, also for a look at the source of an app that is not there yet.
            *([f"TemporaryFileSystem={self.app.venvs}:ro,mode=0755"] if os.path.isdir(self.app.venvs) else []),
            *(f"BindPaths={path}" for path in writable if self._is_venv(path)),
            *(f"BindReadOnlyPaths={path}" for path in readable),
            *(f"ReadWritePaths={path}" for path in writable),
        ]

    def _is_venv(self, path: str) -> bool:
        return os.path.dirname(path) == self.app.venvs

    def _user(self) -> list[str]:
        try:
            pwd.getpwnam(self.app.builder)
        except KeyError:
            return [f"User={NO_USER}"]
        return [f"User={self.app.builder}", f"Group={self.app.builder}"]
