# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that turns the sites of role django_site into the sites of module nginx_config."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

# Options that nginx_config has under the same name, for a site and for its proxied locations.
SITE = ("name", "state", "server_name", "listen", "redirect_from", "client_max_body_size", "maintenance", "snippet")
PROXIED = ("proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout")


def django_sites(sites: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The C(sites) option of nginx_config for a list of the role's sites."""
    return [_site(site) for site in sites]


def _site(site: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: site[key] for key in SITE if key in site}
    if site.get("state", "present") == "absent":
        return result
    app, upstream = site.get("app"), site.get("upstream")
    if (app is None) == (upstream is None):
        raise AnsibleFilterError(
            f"django_site_sites: site '{site.get('name')}' needs exactly one of 'app' "
            "(the name of a django_app on this host) and 'upstream' (an address such as 'http://127.0.0.1:8000')"
        )
    # The paths that role django_app gives an app, derived from its name alone.
    home = f"/srv/{app}"
    static = site.get("static", {"/static/": f"{home}/current/static/"} if app else {})
    media = site.get("media", {"/media/": f"{home}/data/media/"} if app else {})
    proxy: dict[str, Any] = {"proxy_pass": f"http://unix:{home}/current/web.sock" if app else upstream}
    proxy |= {key: site[key] for key in PROXIED if key in site}
    result["locations"] = [
        *({"path": path, "alias": alias} for path, alias in static.items()),
        *({"path": path, "alias": alias, "untrusted": True} for path, alias in media.items()),
        *({"path": path, "alias": alias, "internal": True} for path, alias in site.get("protected_media", {}).items()),
        *({"path": path, "websocket": True} | _without_read_timeout(proxy) for path in site.get("websocket_paths", [])),
        {"path": "/", **proxy},
    ]
    return result


def _without_read_timeout(proxy: Mapping[str, Any]) -> dict[str, Any]:
    # An idle websocket is no failure: the module's own, longer timeout is right there.
    return {key: value for key, value in proxy.items() if key != "proxy_read_timeout"}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Their names and functions."""
        return {"django_sites": django_sites}
