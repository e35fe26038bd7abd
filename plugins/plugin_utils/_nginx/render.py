# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render the nginx files of a generation. Values are data: the environment quotes each one when it is interpolated."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

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
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet import may_have_regex_locations
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.symlinks import MODES
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import required_names
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.upstreams import tls_name
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.worker_limits import worker_limits
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import behind, listen
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import pages as own_pages
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import servers as blocks
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.places import (
    page_cache,
    places,
    zones,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.site_access import site_access
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.upstreams import upstreams
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
SHARED = (
    *("http.conf", "server.conf", "server_without_pages.conf", "proxy.conf", "default_server.conf"),
    *("tls.conf", "acme.conf", "page_cache.conf"),
)
BARE = re.compile(r"[A-Za-z0-9_./:@*\[\]-]+")


class Raw(str):
    """Text that is already nginx configuration: the value of a ``snippet`` option."""


def quote(value: object) -> str:
    """Quote *value* as one nginx parameter, a list as several (ngx_conf_file.c: ``\\`` and ``"`` are escaped)."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, (list, tuple)):
        return " ".join(quote(item) for item in value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise TypeError(f"{value!r} cannot be written as nginx configuration")
    text = str(value)
    if BARE.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def raw(snippet: str | None) -> Raw:
    """The Jinja2 filter that writes an operator's own directives unquoted."""
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


def render(
    host: HostAnswer,
    sites: Sequence[Site],
    nginx_conf: NginxConf | None,
    pages: Mapping[str, dict[str, bytes]] | None = None,
) -> Rendered:
    """Render the files of *sites* and the files that they share.

    *nginx_conf* is None if the caller does not configure nginx.conf. *pages* are the sites' own, by site and name.
    Raises ValueError for an option that the host's nginx does not support.
    """
    common = {"live": f"{host['conf_dir']}/gatehouse/live", "host": host, "curves": listen.curves(host)}
    sent = {"request_headers": request_headers.sent(), "group": False}
    shared = {name: _text(name, common | sent) for name in SHARED}
    # A site with the option `behind` sets the headers itself that depend on it.
    of_visitor = dict(request_headers.of_visitor("", "", None))
    without = [(name, value) for name, value in request_headers.sent() if name not in of_visitor]
    shared["proxy_behind.conf"] = _text("proxy.conf", common | sent | {"request_headers": without})
    # A location with a group of hosts repeats requests its own way.
    shared["proxy_group.conf"] = _text("proxy.conf", common | sent | {"group": True})
    shared["proxy_behind_group.conf"] = _text("proxy.conf", common | {"request_headers": without, "group": True})
    shared |= {f"pages/{name}": content.decode() for name, content in own_pages.with_defaults({}).items()}
    main = {"nginx.conf": _nginx_conf(nginx_conf, host, common)} if nginx_conf is not None else {}
    rendered = {
        site["name"]: _site(site, host, common, (pages or {}).get(site["name"], {}))
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


def _nginx_conf(settings: NginxConf, host: HostAnswer, common: Mapping[str, object]) -> str:
    return _text("nginx.conf", {**common, "settings": settings, "limits": worker_limits(settings, host)})


def _site(site: Site, host: HostAnswer, common: Mapping[str, object], pages: dict[str, bytes]) -> RenderedSite:
    """Render the file of *site*, with its record for state.json and its own *pages*."""
    certified = host.get("certified", {}).get(site["name"], [])
    servers, secure = blocks.servers(host, site, certified), listen.tls(host, site)
    names = [*site["server_name"], *site["redirect_from"]]
    front = behind.front(host, site)
    # Balancers verify the name of the site, and not those of visitors.
    certified_names = [tls_name(site["name"])] if front and front.balancers else names
    variables = {
        "site": site,
        # nginx compares no regular expression after the longest prefix with ^~: those of an operator go first.
        "exempt": not may_have_regex_locations(site["snippet"]),
        "servers": servers,
        "upstreams": upstreams(site),
        "tls_name": tls_name(site["name"]),
        "again_header": request_headers.AGAIN,
        "release_header": request_headers.RELEASE,
        "again_variable": f"$http_{request_headers.AGAIN.lower().replace('-', '_')}",
        # Since 1.29.7 the default of an upstream.
        "keeps_connections": listen.version_tuple(host["version"]) >= (1, 29, 7),
        # nginx keeps the variable when a response leads to an internal location, and refuses one that is nowhere set.
        "has_senders": not site["maintenance"] and any(location["sent_by"] for location in site["locations"]),
        "front": front,
        # A port that expects the PROXY protocol cannot be asked.
        "acme_peers": site["acme_peers"] if site["tls"] == "acme" and not (front and front.proxy_protocol) else [],
        "peers_upstream": f"gatehouse_{site['name']}.peers",
        "places": places(site),
        "site_access": site_access(site),
        "zones": [] if site["maintenance"] else zones(site),
        "page_cache": None if site["maintenance"] else page_cache(site, host),
        "pages": f"pages_{site['name']}" if pages else "pages",
        "page_statuses": own_pages.statuses(pages),
        "page_files": {own_pages.FILES[name]: name for name in sorted(pages) if name in own_pages.FILES},
        "default_headers": [] if site["maintenance"] else blocks.default_headers(site, servers),
    }
    text = _text("site.conf", {**common, **variables, "disable_symlinks": partial(_disable_symlinks, host)})
    rendered: RenderedSite = {
        "content": text,
        "listen": listen.addresses(site["listen"], "80", ipv6=host["ipv6"]),
        "server_name": names,
    }
    if pages:
        files = own_pages.with_defaults(pages).items()
        rendered["pages"] = {name: base64.b64encode(content).decode() for name, content in files}
    if secure:
        rendered["tls"] = {
            "mode": secure.mode,
            "listen": secure.listen,
            "options": secure.options,
            "http3": secure.http3,
            "names": required_names(certified_names),
        }
        if secure.mode == "host":
            rendered["tls"]["files"] = [secure.certificate, secure.key]
    if site["upstream_authorities"]:
        rendered["authorities"] = site["upstream_authorities"]
    if site["default"]:
        rendered["default"] = True
    if front and front.proxy_protocol:
        rendered["proxy_protocol"] = True
    return rendered


def _symlinks(host: HostAnswer, location: Location) -> LinkPolicy:
    """The policy for symbolic links of *location*: the operator's mode, or the host's default."""
    policy = host["symlinks"][location["alias"] or ""]
    mode = policy["mode"] if location["symlinks"] == "auto" else location["symlinks"]
    return {"mode": mode, "trusted": policy["trusted"]}


def _disable_symlinks(host: HostAnswer, location: Location) -> list[str]:
    """The parameters of the directive ``disable_symlinks``."""
    known = _symlinks(host, location)
    mode, trusted = MODES[known["mode"]], known["trusted"]
    if not trusted or mode == "off":
        return [mode]
    return [mode, Raw(f"from={trusted}") if BARE.fullmatch(trusted) else f"from={trusted}"]


def _text(name: str, variables: Mapping[str, object]) -> str:
    return ENVIRONMENT.get_template(f"{name}.j2").render(variables)
