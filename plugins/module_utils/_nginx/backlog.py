# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The queue of new connections at nginx's addresses: which of them may have a `backlog` in the default server.

nginx accepts options of a socket in one `listen` of an address only, and an operator's server may have them: "duplicate
listen options". Such a `listen` also gets a socket of its own, which Linux refuses for one address of a port that is
bound for all addresses (ngx_http_core_module, listen).
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Collection, Iterable, Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import listen_address

# nginx's own default is 511. As Backlog= in plugin_utils/_app/templates/web@.socket.j2 for an app's socket; the kernel
# lowers both to net.core.somaxconn (listen(2)), which is 4096 since Linux 5.4.
BACKLOG = 4096
LISTEN = re.compile(r"^[^#\n]*?\blisten\s+([^;{}]+);", re.MULTILINE)
INCLUDE = re.compile(r"^[^#\n]*?\binclude\s+([^;{}\s]+);", re.MULTILINE)
# Those that nginx stores for the socket; ngx_http_core_listen sets lsopt.set for them.
SOCKET_OPTIONS = re.compile(
    r"(?:backlog|rcvbuf|sndbuf|setfib|fastopen|accept_filter|so_keepalive|ipv6only)=|(?:reuseport|deferred|bind|multipath)$"
)
DEPTH = 8  # of includes


def with_backlog(conf_dir: str, candidate: Mapping[str, str], addresses: Collection[str]) -> set[str]:
    """Those of the default servers' *addresses* at which a `backlog` is safe beside all other servers.

    *candidate* are the files of a generation with its own nginx.conf. The operator's files that it includes are read.
    """
    texts = [text for path, text in candidate.items() if path == "nginx.conf" or path.startswith("sites/")]
    others = list(_listens([*texts, *_included(conf_dir, candidate.get("nginx.conf", ""))]))
    taken = {address for address, options in others if any(map(SOCKET_OPTIONS.match, options))}
    every = {*addresses, *(address for address, _options in others)}
    return {address for address in addresses if address not in taken and not _is_covered(address, every)}


def _is_covered(address: str, every: Collection[str]) -> bool:
    """Whether another `listen` is for all addresses of the port of *address*."""
    host, _colon, port = address.rpartition(":")
    everywhere = f"[::]:{port}" if host.startswith("[") else port
    return address != everywhere and everywhere in every


def _listens(texts: Iterable[str]) -> Iterable[tuple[str, list[str]]]:
    for text in texts:
        for directive in LISTEN.finditer(text):
            address, *options = directive[1].split()
            if "quic" in options:
                continue
            try:
                yield listen_address(address if ":" in address or address.isdigit() else f"{address}:80"), options
            except ValueError:
                continue


def _included(conf_dir: str, text: str, depth: int = DEPTH) -> Iterable[str]:
    """The operator's files that *text* includes, which nginx reads relative to its own directory."""
    for directive in INCLUDE.finditer(text):
        pattern = os.path.join(conf_dir, directive[1].strip("\"'"))
        if pattern.startswith((f"{conf_dir}/gatehouse/", f"{conf_dir}/mime.types", f"{conf_dir}/modules-enabled/")):
            continue
        for path in sorted(glob.glob(pattern)) if depth else ():
            included = files.read(path) or "" if os.path.isfile(path) else ""
            yield included
            yield from _included(conf_dir, included, depth - 1)
