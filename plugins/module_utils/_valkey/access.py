# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an app on other hosts reaches an instance: its port, the hosts that reach it, and the password of its user.

All of it is in the files of the instance, and is read from there again. They have the digest of a password only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core import addresses, authority, files, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import RUN_DIRECTORY, VALKEY_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.spec import Instance, Remote

FIRST_PORT = 16379
CONTROL_DIRECTORY = f"{RUN_DIRECTORY}/systemd/system.control"
LISTENING = "0A"  # TCP_LISTEN in /proc/net/tcp
CLIENT = re.compile(r"^# The host (\S+):\nIPAddressAllow=(\S+)\n", re.MULTILINE)


class AccessError(Exception):
    """The instance cannot be made or used this way; the text is for the operator."""


@dataclass(frozen=True, order=True)
class Client:
    """A host of the app."""

    host: str
    address: str  # a network in CIDR notation

    @property
    def text(self) -> str:
        """The lines of the drop-in."""
        return f"# The host {self.host}:\nIPAddressAllow={self.address}\n"


@dataclass(frozen=True)
class Access:
    """The access to one instance, as it shall be."""

    port: int
    user: str
    digest: str  # of the user's password, in hexadecimal
    clients: Sequence[Client]
    certificate: str
    chosen: int  # the index of the password in known and proposed; -1 if it is none of them
    before: str  # the digest of the password that the user has now; empty without one
    clients_before: Sequence[str]

    @property
    def sets_password(self) -> bool:
        """Whether the user gets another password."""
        return self.digest != self.before

    def answer(self) -> dict[str, Any]:
        """What the module returns of it."""
        return {
            **{"port": self.port, "chosen": self.chosen, "sets_password": self.sets_password},
            **{"digest": self.before[:16], "clients": list(self.clients_before)},
        }


def digest(password: str) -> str:
    """Return the digest that the program itself keeps of a password (`ACL SETUSER`, `#<hash>`)."""
    return hashlib.sha256(password.encode()).hexdigest()


def of_instances(engine: valkey.Engine, instances: Iterable[Instance]) -> dict[str, Access]:
    """Return the access to each of *instances* that other hosts use, by name."""
    found: dict[str, Access] = {}
    for one in instances:
        if one["state"] == "present" and one["remote"]:
            taken = {access.port for access in found.values()}
            found[one["name"]] = _of_one(engine, one["name"], one["remote"], taken)
    return found


def without_clients(drop_in: str) -> str:
    """Return the text of a drop-in without the hosts that reach the port."""
    return CLIENT.sub("", drop_in)


def property_files(unit: str) -> list[Path]:
    """Return the files with the hosts that systemd let in while the *unit* ran (`systemctl set-property --runtime`).

    They precede the drop-in, and are there for a moment only, unless a run was killed.
    """
    return list(Path(CONTROL_DIRECTORY, f"{unit}.d").glob("*-IPAddressAllow.conf"))


def revoked(app: str, kind: str, host: str) -> dict[str, str]:
    """Return the drop-in of an instance of *app* without *host*, by path; nothing if it does not let the host in."""
    name = valkey.instance(app, kind)
    engine = valkey.engine_of(name)
    if engine is None:
        return {}
    before = files.read(engine.drop_in(name)) or ""
    after = CLIENT.sub(lambda line: "" if line[1] == host else line[0], before)
    return {engine.drop_in(name): after} if after != before else {}


def check(instances: Iterable[Instance], accesses: Mapping[str, Access]) -> None:
    """Raise AccessError if a user's password was set since the caller looked, or if there is no certificate."""
    for one in instances:
        access = accesses.get(one["name"])
        if not access or not one["remote"]:
            continue
        if access.sets_password and access.before[:16] != one["remote"]["seen"]:
            raise AccessError(
                f"{one['name']}: another run set its password meanwhile. Nothing was changed; run it again."
            )
        if not access.certificate:
            raise AccessError(f"{one['name']}: the host has no {authority.CERTIFICATE}. Nothing was changed.")


def _of_one(engine: valkey.Engine, name: str, remote: Remote, taken: Collection[int]) -> Access:
    configuration = files.read(valkey.configuration(name)) or ""
    drop_in = files.read(engine.drop_in(name)) or ""
    known_port = valkey.PORT.search(configuration)
    user = re.search(rf"^user {re.escape(remote['app'])} on #([0-9a-f]+) ", configuration, re.MULTILINE)
    before = user[1] if user else ""
    passwords = [*remote["known"], *remote["proposed"]]
    digests = list(map(digest, passwords))
    chosen = digests.index(before) if before in digests else (0 if passwords else -1)
    clients = [Client(host=host, address=address) for host, address in CLIENT.findall(drop_in)]
    address = addresses.network(remote["address"])
    kept = [one for one in clients if one.host in remote["hosts"] and one.host != remote["host"]]
    return Access(
        port=int(known_port[1]) if known_port else _free_port({*taken, *_used_ports()}),
        user=remote["app"],
        digest=digests[chosen] if chosen >= 0 else before,
        clients=[*kept, Client(host=remote["host"], address=address)],
        certificate=files.read(authority.CERTIFICATE) or "",
        chosen=chosen,
        before=before,
        clients_before=[one.host for one in clients if one.host in remote["hosts"]],
    )


def _free_port(used: Collection[int]) -> int:
    return next(port for port in range(FIRST_PORT, 1 << 16) if port not in used)


def _used_ports() -> Iterator[int]:
    """Yield the ports of other instances, also of stopped ones, and those on which a process listens."""
    for path in Path(VALKEY_DIRECTORY).glob("*.conf"):
        yield from map(int, valkey.PORT.findall(files.read(path) or ""))
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (files.read(table) or "").splitlines()[1:]:
            _number, local, _remote, state, *_rest = line.split()
            if state == LISTENING:
                yield int(local.rpartition(":")[2], 16)
