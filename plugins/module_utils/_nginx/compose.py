# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compose the candidate: the live generation's files, plus the rendered sites, minus the absent ones."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from itertools import product

from ansible_collections.gatehouse.django.plugins.module_utils._core.files import BYTES
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import (
    authorities,
    default_server,
    generation,
    proxy_protocol,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.backlog import with_backlog
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import Generation, link
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Rendered, SiteRecord
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import claims


def compose(
    conf_dir: str,
    live: Generation,
    rendered: Rendered,
    *,
    purge: bool,
    owns_nginx_conf: bool,
    entry_shared: bool = False,
    passwords: Mapping[str, Mapping[str, str]] | None = None,
) -> Generation:
    """Compose the candidate: the live generation plus the rendered sites, minus the absent ones.

    *entry_shared* says that an entry file includes the sites although Gatehouse manages nginx.conf. *passwords* are the
    files with the users of the rendered sites.
    Raises ValueError if two sites use one server_name on one port, about which nginx only warns, if two sites use one
    port with and without TLS, if no authority of a group of servers is known, and if a managed nginx.conf is neither
    rendered nor in the live generation.
    """
    kept = {} if purge else {name: site for name, site in live.sites.items() if name not in rendered["absent"]}
    sites = dict(sorted({**kept, **{name: _site_record(site) for name, site in rendered["sites"].items()}}.items()))
    _refuse_shared_names(sites)
    _refuse_mixed_ports(sites)
    proxy_protocol.refuse_mixed(sites)
    default_server.refuse_two(sites)
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
        if name in rendered["sites"]:
            files[path] = rendered["sites"][name]["content"]
            files |= (passwords or {}).get(name, {})
            files |= authorities.files(name, rendered["sites"][name].get("authorities", {}), live.files)
            files |= {
                generation.pages_of(name) + page: base64.b64decode(content).decode("utf-8", errors=BYTES)
                for page, content in rendered["sites"][name].get("pages", {}).items()
            }
        else:
            files[path] = live.files[path]
            files |= generation.of_site(live.files, name)
    if owns_nginx_conf:
        queued = with_backlog(conf_dir, files, default_server.addresses(sites))
        files["default_listen.conf"] = default_server.listen(sites, queued)
        if secured:
            files["default_tls_server.conf"] = default_server.tls_server(conf_dir, sites, queued)
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
    if site.get("default"):
        record["default"] = True
    return record


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
                        "remove it from one, or set state: absent for the old site. One site can serve several "
                        "applications (role django_site: `mounts`)"
                    )
