# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compose the candidate: the live generation's files, plus the rendered sites, minus the absent ones."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from itertools import product

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import certificates, proxy_protocol
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.backlog import BACKLOG, with_backlog
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import Generation, link
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Rendered, SiteRecord
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import is_address
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import claims

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
    ssl_certificate_key {certificate};
"""


def compose(
    conf_dir: str,
    live: Generation,
    rendered: Rendered,
    *,
    purge: bool,
    owns_nginx_conf: bool,
    entry_shared: bool = False,
) -> Generation:
    """Compose the candidate: the live generation plus the rendered sites, minus the absent ones.

    *entry_shared* says that an entry file includes the sites although Gatehouse manages nginx.conf.
    Raises ValueError if two sites use one server_name on one port, about which nginx only warns, if two sites use one
    port with and without TLS, and if a managed nginx.conf is neither rendered nor in the live generation.
    """
    kept = {} if purge else {name: site for name, site in live.sites.items() if name not in rendered["absent"]}
    sites = dict(sorted({**kept, **{name: _site_record(site) for name, site in rendered["sites"].items()}}.items()))
    _refuse_shared_names(sites)
    _refuse_mixed_ports(sites)
    proxy_protocol.refuse_mixed(sites)
    files = dict(rendered["shared"])
    # At http level the protocols also apply to the default server: before 1.29 nginx chooses the protocol before it
    # knows the name. An operator's nginx.conf already sets them at http level, and a duplicate is an error.
    secured = any("tls" in site for site in sites.values())
    files["site_tls.conf"] = "# nginx.conf includes tls.conf.\n" if owns_nginx_conf else _include(conf_dir, "tls")
    if owns_nginx_conf:
        main = rendered["main"].get("nginx.conf") or live.files.get("nginx.conf")
        if main is None:
            raise ValueError(
                "nginx.conf is managed, but this host has no generation left that it could include: "
                "run the role gatehouse.django.nginx, which creates one"
            )
        files["nginx.conf"] = main
        tls = [_include(conf_dir, name) for name in ("tls", "default_tls_server")] if secured else []
        files["entry.conf"] = "".join(tls) + (
            "# conf.d/zz-gatehouse.conf includes the sites.\n" if entry_shared else _include(conf_dir, "http")
        )
    for name in sites:
        path = f"sites/{name}.conf"
        files[path] = rendered["sites"][name]["content"] if name in rendered["sites"] else live.files[path]
    if owns_nginx_conf:
        queued = with_backlog(conf_dir, files, _addresses(sites))
        files["default_listen.conf"] = _default_listen(sites, queued)
        if secured:
            files["default_tls_server.conf"] = _default_tls_server(conf_dir, sites, queued)
    files["state.json"] = json.dumps({"owns_nginx_conf": owns_nginx_conf, "sites": sites}, indent=2) + "\n"
    return Generation(live.number, files, owns_nginx_conf, sites)


def _include(conf_dir: str, name: str) -> str:
    return f"include {link(conf_dir)}/{name}.conf;\n"


def _site_record(site: SiteRecord) -> SiteRecord:
    record: SiteRecord = {"listen": list(site["listen"]), "server_name": list(site["server_name"])}
    if "tls" in site:
        record["tls"] = site["tls"]
    if site.get("proxy_protocol"):
        record["proxy_protocol"] = True
    return record


def _plain_addresses(sites: Mapping[str, SiteRecord]) -> set[str]:
    return {address for site in sites.values() for address in site["listen"]} or {"80"}


def _addresses(sites: Mapping[str, SiteRecord]) -> set[str]:
    """All addresses of TCP that nginx listens on for the sites."""
    return _plain_addresses(sites) | {
        address for site in sites.values() if "tls" in site for address in site["tls"]["listen"]
    }


def _default_parameters(address: str, queued: Collection[str]) -> str:
    return f"default_server backlog={BACKLOG}" if address in queued else "default_server"


def _default_listen(sites: Mapping[str, SiteRecord], queued: Collection[str]) -> str:
    """The listen directives of the default server: all addresses of the sites; those in *queued* have a backlog."""
    protocols = {
        address: " proxy_protocol" if site.get("proxy_protocol") else ""
        for site in sites.values()
        for address in site["listen"]
    }
    return "".join(
        f"listen {address}{protocols.get(address, '')} {_default_parameters(address, queued)};\n"
        for address in sorted(_plain_addresses(sites))
    )


def _default_tls_server(conf_dir: str, sites: Mapping[str, SiteRecord], queued: Collection[str]) -> str:
    """The default server for the addresses with TLS."""
    secured = [site["tls"] for site in sites.values() if "tls" in site]
    # nginx warns unless all servers on an address use the same options.
    options = {address: tls["options"] for tls in secured for address in tls["listen"]}
    lines = [
        f"listen {address} {' '.join(options[address])} {_default_parameters(address, queued)};"
        for address in sorted(options)
    ]
    quic = {address for tls in secured if tls["http3"] for address in tls["listen"]}
    # reuseport: each worker has its own socket, so that a connection's packets reach the worker that knows it.
    lines += [f"listen {address} quic reuseport default_server;" for address in sorted(quic)]
    with_address = [
        name for name, site in sites.items() if "tls" in site and any(map(is_address, site["tls"]["names"]))
    ]
    handshake = REJECTED
    if with_address:
        handshake = BY_ADDRESS.format(certificate=certificates.path(conf_dir, with_address[0]))
    return DEFAULT_TLS_SERVER.format(listen="\n    ".join(lines), handshake=handshake)


def _ports(addresses: Iterable[str]) -> set[str]:
    return {address.rpartition(":")[2] for address in addresses}


def _refuse_mixed_ports(sites: Mapping[str, SiteRecord]) -> None:
    secured = {name: site for name, site in sites.items() if "tls" in site}
    for name, site in secured.items():
        for other, another in sites.items():
            shared_ports = _ports(site["tls"]["listen"]) & _ports(another["listen"])
            if shared_ports:
                raise ValueError(
                    f"port {min(shared_ports)} is used with TLS by site '{name}' (tls_listen) and without TLS by site "
                    f"'{other}' (listen): choose another port for one of them"
                )


def _refuse_shared_names(sites: Mapping[str, SiteRecord]) -> None:
    owners: dict[tuple[str, str], str] = {}
    for name, site in sites.items():
        ports = _ports([*site["listen"], *site.get("tls", {}).get("listen", [])])
        for server_name in site["server_name"]:
            for claim in product(claims(server_name), sorted(ports)):
                other = owners.setdefault(claim, name)
                if other != name:
                    raise ValueError(
                        f"server_name '{server_name}' is claimed by site '{other}' and by site '{name}' "
                        f"on port {claim[1]}: nginx would ignore one of them; "
                        "remove it from one, or set state: absent for the old site"
                    )
