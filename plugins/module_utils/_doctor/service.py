# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd service that listens on an address, as systemd and the kernel describe it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import show_command

PROPERTIES = (
    "Id,MainPID,User,WorkingDirectory,ExecStart,ActiveState,UnitFileState,FragmentPath,TriggeredBy,Environment,"
    "EnvironmentFiles"
)
ARGV = re.compile(r"argv\[\]=(.*?) ; ")
# `mysite.wsgi:application`, `mysite.asgi`, `mysite.wsgi:get()`
APPLICATION = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*)(?::[\w.]+(?:\(\))?)|([A-Za-z_]\w*(?:\.\w+)*\.[aw]sgi)")
PID = re.compile(r"pid=(\d+)")
# A user names the control groups below its own as it likes.
CGROUP = re.compile(r"/([\w:.@\\][\w:.@\\-]*\.service)(?:/|$)", re.ASCII)


@dataclass(frozen=True)
class Socket:
    """A socket unit, and the service that it starts."""

    unit: str
    service: str
    # The unit file.
    path: str = ""
    is_active: bool = True

    @property
    def is_handmade(self) -> bool:
        """Whether an operator has written it, not a package."""
        return self.path.startswith(f"{UNIT_DIRECTORY}/")


@dataclass(frozen=True)
class Service:
    """A service: its unit, and the socket units that start it."""

    unit: str
    sockets: tuple[str, ...] = ()
    # What else starts it: timers and paths.
    triggers: tuple[str, ...] = ()
    # The unit file.
    path: str = ""
    # The user of its processes, root where the unit names none.
    user: str = "root"
    directory: str = "/"
    argv: tuple[str, ...] = ()
    # The id of its main process, 0 where it does not run.
    pid: int = 0
    is_active: bool = False
    is_enabled: bool = False
    environment_files: tuple[str, ...] = ()
    # Whether the unit itself sets variables. They may hold secrets.
    has_environment: bool = False

    @property
    def application(self) -> str:
        """The module of the WSGI or ASGI application that it serves, empty if its command names none."""
        found = [match[1] or match[2] for word in self.argv[1:] if (match := APPLICATION.fullmatch(word))]
        return found[-1] if found else ""

    @property
    def python(self) -> str:
        """The Python of the virtual environment that its command comes from, empty if there is none."""
        program = self.argv[0] if self.argv else ""
        python = program if re.fullmatch(r"python[\d.]*", os.path.basename(program)) else ""
        python = python or os.path.join(os.path.dirname(program), "python")
        return python if os.path.isabs(python) and os.path.lexists(python) else ""

    def command(self, *words: str) -> str:
        """A command to type that runs *words* as the service does: its user, directory and environment."""
        properties = [f"User={self.user}", f"WorkingDirectory={self.directory}"]
        properties += [f"EnvironmentFile={path}" for path in self.environment_files]
        options = [quote(f"--property={one}") for one in properties]
        # The operator's shell puts the values in; they are not shown here.
        options += [f'--property="$(systemctl show -p Environment {quote(self.unit)})"'] if self.has_environment else []
        return " ".join(["systemd-run", "--quiet", "--pipe", "--wait", "--collect", *options, *map(quote, words)])

    @property
    def units(self) -> tuple[str, ...]:
        """All of its units, those that start it first."""
        return (*self.sockets, *self.triggers, self.unit)


def listening_sockets(run: Run) -> dict[str, Socket]:
    """The socket unit of each address, without those of role django_app. Units that are not active are among them."""
    _rc, out, _err = run(["systemctl", "list-unit-files", "--type=socket", "--plain", "--no-legend"])
    units = [line.split()[0] for line in out.splitlines() if line.strip() and "@." not in line]
    found = {}
    for block in _shown(run, units, "Id,Listen,Triggers,ActiveState,FragmentPath"):
        for given in block.get("Listen", []):
            address, _space, kind = given.rpartition(" ")
            service = " ".join(block.get("Triggers", [])).split()[:1]
            if kind == "(Stream)" and service:
                found[f"unix:{_real(address)}" if address.startswith("/") else address] = Socket(
                    unit="".join(block["Id"]),
                    service=service[0],
                    path="".join(block.get("FragmentPath", [])),
                    is_active=block.get("ActiveState") == ["active"],
                )
    return found


def service_at(run: Run, address: str, sockets: Mapping[str, Socket] | None = None) -> Service | None:
    """The service that listens on *address* (``unix:/path`` or ``host:port``), None where systemd has none.

    *sockets* are the socket units of the host, which are read where they are not given.
    """
    path = address.removeprefix("unix:") if address.startswith("unix:") else ""
    known = listening_sockets(run) if sockets is None else sockets
    socket = known.get(f"unix:{_real(path)}" if path else address)
    unit = socket.service if socket else _unit_of_listener(run, path, address)
    return describe(run, [unit]).get(unit) if unit else None


def describe(run: Run, units: Sequence[str]) -> dict[str, Service]:
    """Those of the services *units* that systemd has, by name."""
    found = (_service(given) for given in _shown(run, units, PROPERTIES) if given.get("FragmentPath") != [""])
    return {service.unit: service for service in found}


def _service(values: Mapping[str, Sequence[str]]) -> Service:
    given = {name: " ".join(found) for name, found in values.items()}
    triggers = given.get("TriggeredBy", "").split()
    argv = ARGV.search(given.get("ExecStart", ""))
    pid = int(given.get("MainPID") or 0)
    return Service(
        unit=given.get("Id", ""),
        sockets=tuple(one for one in triggers if one.endswith(".socket")),
        triggers=tuple(one for one in triggers if not one.endswith(".socket")),
        path=given.get("FragmentPath", ""),
        user=given.get("User") or "root",
        # systemd marks a directory that may be absent with "!".
        directory=given.get("WorkingDirectory", "").lstrip("!") or "/",
        argv=tuple(argv[1].split()) if argv else (),
        pid=pid,
        is_active=given.get("ActiveState") in ("active", "activating", "reloading"),
        is_enabled=given.get("UnitFileState") in ("enabled", "enabled-runtime"),
        environment_files=tuple(one.partition(" (")[0] for one in values.get("EnvironmentFiles", ()) if one),
        has_environment=bool(given.get("Environment")),
    )


def _unit_of_listener(run: Run, path: str, address: str) -> str:
    """The unit of the process that listens there itself."""
    if not shutil.which("ss"):
        return ""
    _rc, out, _err = run(["ss", "-Hlxnp" if path else "-Hltnp"])
    wanted = {_real(path)} if path else {address, *_any_address(address)}
    for line in out.splitlines():
        columns, pid = line.split(), PID.search(line)
        place = 4 if path else 3
        if pid and len(columns) > place and (_real(columns[place]) if path else columns[place]) in wanted:
            return unit_of(int(pid[1]))
    return ""


def _any_address(address: str) -> list[str]:
    name, _colon, port = address.rpartition(":")
    local = ["127.0.0.1", "[::1]"] if name == "localhost" else []
    return [f"{one}:{port}" for one in ("0.0.0.0", "*", "[::]", *local)]


def unit_of(pid: int) -> str:
    """The service that the process belongs to, empty for none."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            found = CGROUP.findall(file.read())
    except OSError:
        return ""
    return found[-1] if found else ""


def _shown(run: Run, units: Sequence[str], properties: str) -> list[dict[str, list[str]]]:
    """The properties of each unit; one that is given several times has several values."""
    if not units:
        return []
    _rc, out, _err = run(show_command(*units, names=properties))
    found = []
    for block in out.split("\n\n"):
        values: dict[str, list[str]] = {}
        for line in block.splitlines():
            name, _equals, value = line.partition("=")
            values.setdefault(name, []).append(value)
        found.append(values)
    return found


def _real(path: str) -> str:
    """*path* with the links of its directory resolved: /var/run is /run."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
