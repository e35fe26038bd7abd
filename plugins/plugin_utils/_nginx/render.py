# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders the nginx files of a generation. Values are data: the environment quotes each one as it is interpolated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import request_headers
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import (
    HostAnswer,
    LinkPolicy,
    Location,
    NginxConf,
    Rendered,
    RenderedSite,
    Site,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.symlinks import MODES
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import required_names
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import servers as blocks
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
SHARED = (
    *("http.conf", "server.conf", "server_without_pages.conf", "proxy.conf", "default_server.conf"),
    *("tls.conf", "acme.conf"),
)
BARE = re.compile(r"[A-Za-z0-9_./:@*\[\]-]+")


class Raw(str):
    """Text that is nginx configuration already: the value of a ``snippet`` option."""


def quote(value: Any) -> str:
    """*value* as one nginx parameter, a list as several (ngx_conf_file.c: ``\\`` and ``"`` are escaped)."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, (list, tuple)):
        return " ".join(quote(item) for item in value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise TypeError(f"{value!r} has no form in nginx configuration")
    text = str(value)
    if BARE.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def raw(snippet: str | None) -> Raw:
    """The jinja2 filter that passes an operator's own directives through as they are."""
    return Raw((snippet or "").rstrip())


ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    finalize=quote,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # HTML escaping is not nginx quoting: finalize does that
)
ENVIRONMENT.filters["raw"] = raw


def render(host: HostAnswer, sites: Sequence[Site], nginx_conf: NginxConf | None) -> Rendered:
    """The files of *sites* and of the parts that they share, by their path below the generation's directory.

    *host* is what facts.describe says. *nginx_conf* is None where the caller says nothing about nginx.conf.
    Beside the files: the names of ``absent`` sites, and the ``aliases`` that only the host can look into.
    Raises ValueError for what the host's nginx does not have.
    """
    common = {"live": f"{host['conf_dir']}/gatehouse/live", "host": host, "curves": blocks.curves(host)}
    shared = {name: _text(name, common | {"request_headers": request_headers.sent()}) for name in SHARED}
    shared |= {f"pages/{status}.html": _page(status) for status in (502, 503, 504)}
    main = {"nginx.conf": _text("nginx.conf", common | {"settings": nginx_conf})} if nginx_conf is not None else {}
    rendered = {
        site["name"]: _site(site, host, common, host.get("certified", {}).get(site["name"], []))
        for site in sites
        if site["state"] == "present"
    }
    return {
        "shared": shared,
        "main": main,
        "sites": rendered,
        "absent": [site["name"] for site in sites if site["state"] == "absent"],
        "aliases": [
            {"site": site["name"], "path": location["path"], "alias": location["alias"], **_symlinks(host, location)}
            for site in sites
            if site["state"] == "present"
            for location in site["locations"]
            if location["alias"]
        ],
    }


def _site(site: Site, host: HostAnswer, common: Mapping[str, object], certified: list[str]) -> RenderedSite:
    """The file of *site*, and what it claims of nginx: addresses, names, and a certificate."""
    servers, secure = blocks.servers(host, site, certified), blocks.tls(host, site)
    names = [*site["server_name"], *site["redirect_from"]]
    variables = {"site": site, "servers": servers, "upstreams": _upstreams(site)}
    text = _text("site.conf", {**common, **variables, "disable_symlinks": partial(_disable_symlinks, host)})
    rendered: RenderedSite = {
        "content": text,
        "listen": blocks.addresses(host, site["listen"], "80"),
        "server_name": names,
    }
    if secure:
        rendered["tls"] = {
            "mode": secure.mode,
            "listen": secure.listen,
            "options": secure.options,
            "http3": secure.http3,
            "names": required_names(names),
        }
    return rendered


def _symlinks(host: HostAnswer, location: Location) -> LinkPolicy:
    """The mode in which nginx meets symbolic links of *location*, and the part of its alias that only root changes."""
    policy = host["symlinks"][location["alias"] or ""]
    mode = policy["mode"] if location["symlinks"] == "auto" else location["symlinks"]
    return {"mode": mode, "trusted": policy["trusted"]}


def _disable_symlinks(host: HostAnswer, location: Location) -> list[str]:
    """The parameters of nginx's directive."""
    known = _symlinks(host, location)
    mode, trusted = MODES[known["mode"]], known["trusted"]
    if not trusted or mode == "off":
        return [mode]
    return [mode, Raw(f"from={trusted}") if BARE.fullmatch(trusted) else f"from={trusted}"]


def _upstreams(site: Site) -> dict[str, dict[str, str]]:
    """The distinct addresses that a site proxies to, each as one upstream that keeps its connections alive."""
    upstreams: dict[str, dict[str, str]] = {}
    for location in site["locations"]:
        if location["proxy_pass"] and location["proxy_pass"] not in upstreams:
            # No site's name has a dot: 'shop_1' is a site, 'shop.1' an upstream.
            number = f".{len(upstreams)}" if upstreams else ""
            upstreams[location["proxy_pass"]] = {
                "name": f"gatehouse_{site['name']}{number}",
                "address": location["proxy_pass"].partition("://")[2],
            }
    return upstreams


def _text(name: str, variables: Mapping[str, object]) -> str:
    return ENVIRONMENT.get_template(f"{name}.j2").render(variables)


def _page(status: int) -> str:
    return (TEMPLATES / f"{status}.html").read_text(encoding="utf-8")
