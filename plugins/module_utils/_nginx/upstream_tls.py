# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the servers that nginx is to connect to over TLS, before it does so."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._core import verified
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import WEB_HOST_PORTS
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import drained
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.authorities import trusted
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import of_site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import RenderedSite

PLAIN = WEB_HOST_PORTS[0]
CONNECT_SECONDS = 2.0  # as nginx


def refuse_unready(sites: Mapping[str, RenderedSite], before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Raise ValueError if a server that nginx asks without TLS now fails with TLS.

    *sites* are those to be published; *before* and *after* are the files of the live generation and of the candidate. A
    server that does not answer without TLS, either, is left out.
    """
    found = [one for name, site in sites.items() for one in _problems(name, site, before, after)]
    if found:
        raise ValueError(
            f"{'; '.join(found)}. It serves visitors without TLS now. Let port {WEB_HOST_PORTS[1]} of the web hosts "
            "through, and run the playbook for all hosts, without -l"
        )


def _problems(name: str, site: RenderedSite, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    path = f"sites/{name}.conf"
    groups = drained.live_servers({path: before.get(path, "")}, drained.drained(before))
    asked = {server for group in groups.values() for server in group}
    for server in dict.fromkeys(one for group in site.get("authorities", {}).values() for one in group):
        plain = f"{server.rpartition(':')[0]}:{PLAIN}"
        reason = refusal(server, of_site(after, name)) if plain in asked and accepts(plain) else ""
        if reason:
            yield f"site '{name}': TLS with web host {server} fails: {reason}"


def accepts(server: str) -> bool:
    """Whether *server*, an address with its port, accepts a connection."""
    try:
        with socket.create_connection(_place(server), timeout=CONNECT_SECONDS):
            return True
    except OSError:
        return False


def refusal(server: str, files: Mapping[str, str]) -> str:
    """Why nginx with these *files* of a generation would send nothing to *server* over TLS; empty if it would."""
    known = trusted(server, files)
    try:
        for authority, name in known:
            verified.connect(_place(server), name, cadata=authority, timeout=CONNECT_SECONDS).close()
    except OSError as error:
        return verified.explain(error)
    return "" if known else "this host does not know its certificate"


def _place(server: str) -> tuple[str, int]:
    address, _colon, port = server.rpartition(":")
    return address.strip("[]"), int(port)
