# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers of a balancer's upstreams that get no requests. nginx's configuration itself says so: they are `down`.

The controller renders a site as if no server were drained (templates/group_servers.conf.j2 and group.conf.j2). What is
drained in the live generation is kept in each later one, until module nginx_drain ends it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import WEB_HOST_PORTS

UPSTREAM = re.compile(r"upstream (\S+) \{")
SERVER = re.compile(r"    server (\S+) max_fails=(?:1 fail_timeout=10s|0 backup)( down)?;")
# The upstream of the hosts that were not asked last.
OTHERS = re.compile(r"    (?:# )?(\"~.+\" (\S+\.but[0-9]+);)")
# Other upstreams of the same servers.
VARIANT = re.compile(r"\.(?:once|but[0-9]+)$")


def servers(text: str) -> dict[str, dict[str, bool]]:
    """Return whether each server is drained, by upstream, of those upstreams that are groups of hosts."""
    found: dict[str, dict[str, bool]] = {}
    for name, line in _lines(text):
        if name and (match := SERVER.fullmatch(line.rstrip("\n"))):
            found.setdefault(name, {})[match[1]] = bool(match[2])
    return found


def drained(files: Mapping[str, str]) -> set[str]:
    """Return the servers that get no requests, as address and port; *files* are those of a generation by path."""
    groups = [group for path, text in files.items() if _is_site(path) for group in servers(text).values()]
    return {server for group in groups for server, is_down in group.items() if is_down}


def live_servers(files: Mapping[str, str], down: Collection[str]) -> dict[str, list[str]]:
    """Return by upstream the servers that get requests if those of *down* are drained."""
    return {
        name: [server for server in group if server not in down]
        for path, text in files.items()
        if _is_site(path)
        for name, group in servers(text).items()
        if not VARIANT.search(name)
    }


def _host(server: str) -> str:
    """The address of a server of a web host, empty for another server."""
    address, _colon, port = server.rpartition(":")
    return address if port in map(str, WEB_HOST_PORTS) else ""


def with_drained(files: Mapping[str, str], down: Collection[str]) -> dict[str, str]:
    """Return the files of a generation with the servers of *down* drained, and no others."""
    return {path: drain(text, down) if _is_site(path) else text for path, text in files.items()}


def keep_drained(files: Mapping[str, str], down: Collection[str]) -> dict[str, str]:
    """Return *files* of a candidate with what is drained in the live generation; raise ValueError if no server is left.

    A site may have lost the hosts that are not drained.
    """
    # A host that is drained has one port with TLS and another one without.
    hosts = {_host(server) for server in down} - {""}
    down = {*down, *(f"{host}:{port}" for host in hosts for port in WEB_HOST_PORTS)}
    for name, left in live_servers(files, down).items() if down else ():
        if not left:
            raise ValueError(
                f"site '{name.removeprefix('gatehouse_')}': all its hosts are drained ({', '.join(sorted(down))}), and "
                "no visitor would be served. Bring one back first: "
                "`ansible-playbook gatehouse.django.drain -e back=true -l HOST`"
            )
    return with_drained(files, down)


def drain(text: str, down: Collection[str]) -> str:
    """Return the configuration of a site with the servers of *down* drained, and no others."""
    groups = servers(text)
    empty = {name for name, group in groups.items() if all(server in down for server in group)}
    return "".join(_drained(name, line, down, empty) for name, line in _lines(text)) if groups else text


def _drained(name: str, line: str, down: Collection[str], empty: Collection[str]) -> str:
    content = line.rstrip("\n")
    if name and (match := SERVER.fullmatch(content)):
        return f"{content.removesuffix(';').removesuffix(' down')}{' down' if match[1] in down else ''};\n"
    # If no other host is left, the one that was asked is asked again: the default of the map.
    if not name and (match := OTHERS.fullmatch(content)):
        return f"    {'# ' if match[2] in empty else ''}{match[1]}\n"
    return line


def _is_site(path: str) -> bool:
    return path.startswith("sites/")


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield each line, with the name of the upstream that it is in, empty outside of one."""
    name = ""
    for line in text.splitlines(keepends=True):
        if match := UPSTREAM.fullmatch(line.rstrip("\n")):
            name = match[1]
        elif line.startswith("}"):
            name = ""
        yield name, line
