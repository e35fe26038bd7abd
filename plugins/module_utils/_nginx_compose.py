# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the next generation holds: the live one's files, with what was rendered put in and what goes taken out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._nginx_generation import Generation, link
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_values import claims


def compose(
    conf_dir: str,
    live: Generation,
    rendered: Mapping[str, Any],
    *,
    purge: bool,
    owns_nginx_conf: bool,
    entered: bool = False,
) -> Generation:
    """The candidate: the live generation with the rendered sites put in and the absent ones taken out.

    *entered* says that an entry file includes the sites even where nginx.conf is ours.
    Raises ValueError where two sites claim one server_name on one port, which nginx would only warn about, and where
    nginx.conf is ours but neither rendered nor there.
    """
    kept = {} if purge else {name: site for name, site in live.sites.items() if name not in rendered["absent"]}
    sites = dict(sorted({**kept, **{name: _claims(site) for name, site in rendered["sites"].items()}}.items()))
    _refuse_shared_names(sites)
    files = dict(rendered["shared"])
    if owns_nginx_conf:
        main = rendered["main"].get("nginx.conf") or live.files.get("nginx.conf")
        if main is None:
            raise ValueError(
                "nginx.conf is managed, but the live generation that it includes is gone: "
                "run the role gatehouse.django.nginx, which makes it anew"
            )
        files["nginx.conf"] = main
        files["entry.conf"] = (
            "# conf.d/zz-gatehouse.conf includes the sites.\n" if entered else f"include {link(conf_dir)}/http.conf;\n"
        )
        addresses = dict.fromkeys(address for site in sites.values() for address in site["listen"])
        lines = [f"listen {address} default_server;\n" for address in sorted(addresses or {"80": None})]
        files["default_listen.conf"] = "".join(lines)
    for name in sites:
        path = f"sites/{name}.conf"
        files[path] = rendered["sites"][name]["content"] if name in rendered["sites"] else live.files[path]
    files["state.json"] = json.dumps({"owns_nginx_conf": owns_nginx_conf, "sites": sites}, indent=2) + "\n"
    return Generation(live.number, files, owns_nginx_conf, sites)


def _claims(site: Mapping[str, Any]) -> dict[str, list[str]]:
    return {"listen": list(site["listen"]), "server_name": list(site["server_name"])}


def _refuse_shared_names(sites: Mapping[str, Mapping[str, list[str]]]) -> None:
    owners: dict[tuple[str, str], str] = {}
    for name, site in sites.items():
        ports = {listen.rpartition(":")[2] for listen in site["listen"]}
        for server_name in site["server_name"]:
            for claim in product(claims(server_name), ports):
                other = owners.setdefault(claim, name)
                if other != name:
                    raise ValueError(
                        f"server_name '{server_name}' is claimed by site '{other}' and by site '{name}' "
                        f"on port {claim[1]}: nginx would ignore one of them; "
                        "remove it from one, or set state: absent for the old site"
                    )
