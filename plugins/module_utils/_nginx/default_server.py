# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers for unknown host names, on each address where no site is the default one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import certificates
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.backlog import BACKLOG
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import SiteRecord
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import is_address

DEFAULT_TLS_SERVER = """\
# Unknown host names over TLS: written by gatehouse.django.nginx_config; changes here are replaced.

server {{
    {listen}
    server_name _;
    server_tokens off;
    access_log off;
{handshake}
    # A client may request an unknown name over a connection for a known one. 421 tells it to open a new connection
    # (RFC 9110, 15.5.20); its other requests over this connection must not fail.
    location / {{
        return 421;
    }}
}}
"""
REJECTED = "    ssl_reject_handshake on;\n"
# A TLS handshake names hosts, not addresses (RFC 6066, 3): a client that connects to an address gets this certificate.
BY_ADDRESS = """\
    # For clients that connect to an IP address, which a handshake cannot contain.
    ssl_certificate {certificate};
    ssl_certificate_key {key};
"""


def listen(sites: Mapping[str, SiteRecord], queued: Collection[str]) -> str:
    """The listen directives of the default server: all addresses of the sites; those in *queued* have a backlog."""
    protocols = {
        address: " proxy_protocol" if site.get("proxy_protocol") else ""
        for site in sites.values()
        for address in site["listen"]
    }
    taken = {address for site in sites.values() if site.get("default") for address in site["listen"]}
    return "".join(
        f"listen {address}{protocols.get(address, '')}{_parameters(address, taken, queued)};\n"
        for address in sorted(_plain_addresses(sites))
    )


def addresses(sites: Mapping[str, SiteRecord]) -> set[str]:
    """All addresses of TCP that nginx listens on for the sites."""
    return _plain_addresses(sites) | {
        address for site in sites.values() if "tls" in site for address in site["tls"]["listen"]
    }


def _plain_addresses(sites: Mapping[str, SiteRecord]) -> set[str]:
    return {address for site in sites.values() for address in site["listen"]} or {"80"}


def _parameters(address: str, taken: Collection[str], queued: Collection[str]) -> str:
    """The last parameters of a listen. Also where a site is the default server, this one has the backlog."""
    return ("" if address in taken else " default_server") + (f" backlog={BACKLOG}" if address in queued else "")


def tls_server(conf_dir: str, sites: Mapping[str, SiteRecord], queued: Collection[str]) -> str:
    """The default server for the addresses with TLS."""
    secured = [site["tls"] for site in sites.values() if "tls" in site]
    default = [site["tls"] for site in sites.values() if "tls" in site and site.get("default")]
    # nginx warns unless all servers on an address use the same options.
    options = {address: tls["options"] for tls in secured for address in tls["listen"]}
    taken = {address for tls in default for address in tls["listen"]}
    lines = [
        f"listen {address} {' '.join(options[address])}{_parameters(address, taken, queued)};"
        for address in sorted(options)
    ]
    quic = {address for tls in secured if tls["http3"] for address in tls["listen"]}
    quic -= {address for tls in default if tls["http3"] for address in tls["listen"]}
    # reuseport: each worker has its own socket, so that a connection's packets reach the worker that knows it.
    lines += [f"listen {address} quic reuseport default_server;" for address in sorted(quic)]
    with_address = [
        name for name, site in sites.items() if "tls" in site and any(map(is_address, site["tls"]["names"]))
    ]
    handshake = REJECTED
    if with_address:
        certificate, key = certificates.pair(conf_dir, with_address[0], sites[with_address[0]])
        handshake = BY_ADDRESS.format(certificate=_quoted(certificate), key=_quoted(key))
    return DEFAULT_TLS_SERVER.format(listen="\n    ".join(lines), handshake=handshake)


def _quoted(path: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_./-]+", path):
        return path
    # As render.quote does it on the controller; check_text has refused '$' and control characters.
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def refuse_two(sites: Mapping[str, SiteRecord]) -> None:
    """Raise ValueError if two of *sites* are the default one of an address."""
    first: dict[str, str] = {}
    for name, site in sites.items():
        tls = site.get("tls")
        for address in [*site["listen"], *(tls["listen"] if tls else [])] if site.get("default") else []:
            other = first.setdefault(address, name)
            if other != name:
                raise ValueError(
                    f"site '{other}' and site '{name}' are both the default one of '{address}' (default: true): "
                    "nginx sends requests for unknown host names to one site; set default: false for the other one, or "
                    "give it another listen"
                )
