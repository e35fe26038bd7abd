# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the addresses that nginx is to listen on and that another process has, and name that process.

nginx only says "bind() failed (98: Address already in use)", and the package's first start of nginx fails without that.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import SiteRecord

LISTENING, BOUND = "0A", "07"  # states of TCP and UDP in /proc/net (include/net/tcp_states.h)
UNIT = re.compile(r"/([^/\n]+\.(?:service|scope))(?=/|$)", re.MULTILINE)
OWN_UNIT = "nginx.service"
CONTAINERS = ("docker-proxy", "rootlessport", "conmon", "pasta", "slirp4netns")


@dataclass(frozen=True)
class Address:
    """An address that nginx listens on, for TCP or for UDP (QUIC)."""

    host: str
    port: int
    is_udp: bool = False

    @classmethod
    def parse(cls, listen: str, *, is_udp: bool = False) -> Address:
        """The address of a normalised ``listen``: ``80``, ``[::]:80``, ``192.0.2.1:80``."""
        host, _colon, port = listen.rpartition(":")
        return cls(host.strip("[]") or "0.0.0.0", int(port), is_udp)

    @property
    def family(self) -> socket.AddressFamily:
        """That of the socket."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def everywhere(self) -> Address:
        """The same port of all addresses."""
        return Address("::" if ":" in self.host else "0.0.0.0", self.port, self.is_udp)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        shown = str(self.port) if self.host == "0.0.0.0" else f"{host}:{self.port}"
        return f"{shown} (UDP)" if self.is_udp else shown


@dataclass(frozen=True)
class Holder:
    """A process that listens on a port, and its unit, empty for none."""

    name: str
    pid: int
    unit: str


def taken(run: Run, asked: Iterable[Address], master: int | None) -> list[str]:
    """A sentence for each of the addresses that a process other than the nginx whose master is *master* has."""
    addresses = set(asked)
    listening = list(_listening())
    own = _sockets(master) if master and is_of_unit(master) else set()
    held = {address for address, inode in listening if inode in own}
    # One sentence for a process that has the port of IPv4 and of IPv6.
    found: dict[tuple[int, bool, Holder | None], str] = {}
    for address in sorted(addresses, key=str):
        # nginx binds no socket for an address of a port that it has for all addresses.
        is_own = {address, address.everywhere} & held or (address.everywhere in addresses - {address})
        if not is_own and not _is_free(address):
            inodes = {inode for other, inode in listening if _conflict(address, other) and inode not in own}
            holder = _holder(inodes)
            if holder is None or holder.unit != OWN_UNIT:
                found.setdefault((address.port, address.is_udp, holder), _sentence(run, address, holder))
    return list(found.values())


def wanted(sites: Collection[SiteRecord], *, has_default: bool) -> list[Address]:
    """The addresses that nginx listens on for *sites*; with *has_default* also for a default server without sites."""
    found = [Address.parse(listen) for site in sites for listen in site["listen"]]
    if has_default and not found:
        found.append(Address.parse("80"))
    for tls in (site["tls"] for site in sites if "tls" in site):
        found += [Address.parse(listen) for listen in tls["listen"]]
        found += [Address.parse(listen, is_udp=True) for listen in tls["listen"] if tls["http3"]]
    return found


def is_of_unit(pid: int) -> bool:
    """Whether *pid* is a process of nginx.service, and not an nginx that was started by hand."""
    return _unit(pid) == OWN_UNIT


def _is_free(address: Address) -> bool:
    """Whether a socket can be bound as nginx binds it. It does not listen, so no client notices."""
    kind = socket.SOCK_DGRAM if address.is_udp else socket.SOCK_STREAM
    try:
        with socket.socket(address.family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR if not address.is_udp else socket.SO_REUSEPORT, 1)
            if address.family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address.host, address.port))
    except OSError as error:
        return error.errno != errno.EADDRINUSE
    return True


def _conflict(address: Address, other: Address) -> bool:
    """Whether *other* can be why *address* is taken. A socket for all IPv6 addresses may have IPv4 as well."""
    if (address.port, address.is_udp) != (other.port, other.is_udp):
        return False
    if address.family != other.family:
        return other.host == "::"
    return address.host == other.host or other.everywhere in (address, other)


def _listening() -> Iterator[tuple[Address, str]]:
    """The sockets that listen, with their inodes. In /proc/net/tcp they come first (tcp_seq_start of tcp_ipv4.c)."""
    for name in ("tcp", "tcp6", "udp", "udp6"):
        is_udp = name.startswith("udp")
        try:
            with open(f"/proc/net/{name}", encoding="ascii") as table:
                next(table, "")
                for line in table:
                    fields = line.split()
                    if fields[3] != (BOUND if is_udp else LISTENING):
                        if is_udp:
                            continue
                        break
                    host, _colon, port = fields[1].partition(":")
                    yield Address(_host(host), int(port, 16), is_udp), fields[9]
        except OSError:
            continue


def _host(text: str) -> str:
    """The address that the kernel prints as words of four bytes in the byte order of the machine."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words)))


def _sockets(pid: int | str) -> set[str]:
    """The inodes of the sockets that the process *pid* has open."""
    found = set()
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            target = os.readlink(entry.path)
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        pass  # the process has ended, or closed a file
    return found


def _holder(inodes: Collection[str]) -> Holder | None:
    """The first process that has one of the sockets; None for a process that this host does not see."""
    for pid in sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        if not _sockets(pid).isdisjoint(inodes):
            return Holder(harmless(_read(f"/proc/{pid}/comm").strip()), pid, _unit(pid))
    return None


def _unit(pid: int) -> str:
    """The unit of the process, empty for none (proc_pid_cgroup(5))."""
    units = UNIT.findall(_read(f"/proc/{pid}/cgroup"))
    return harmless(units[-1]) if units else ""


def _sentence(run: Run, address: Address, holder: Holder | None) -> str:
    needed = f"nginx needs port {address}, but"
    if holder is None:
        return f"{needed} a process listens on it that cannot be seen here, such as one of another container."
    if holder.pid == 1:
        unit = _socket_unit(run, address.port)
        return f"{needed} {unit or 'a socket unit of systemd'} listens on it. {_stop(unit or 'the unit')}."
    if holder.name in CONTAINERS:
        remedy = (
            f"A container publishes it: 'docker ps --filter publish={address.port}' or 'podman ps --all' names it. "
            "Publish another port"
        )
    elif holder.unit.endswith(".service"):
        remedy = _stop(holder.unit)
    elif holder.name == "nginx":
        remedy = f"nginx.service does not control this nginx: end it with 'kill -QUIT {holder.pid}'"
    else:
        remedy = f"End it with 'kill {holder.pid}', and find out what starts it"
    unit = holder.unit or "no unit of systemd"
    return f"{needed} {holder.name} (process {holder.pid}, {unit}) listens on it. {remedy}."


def _stop(unit: str) -> str:
    return f"Stop it for good with 'systemctl disable --now {unit}', or give it another port"


def _socket_unit(run: Run, port: int) -> str:
    """The socket unit that listens on *port*, empty if it is not known."""
    _rc, out, _err = run(["systemctl", "list-sockets", "--no-legend", "--full"])
    lines = [line.split() for line in out.splitlines()]
    return next((line[1] for line in lines if len(line) > 1 and line[0].endswith(f":{port}")), "")


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
