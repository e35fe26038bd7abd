# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that converts the sites of role django_site to those of module nginx_config."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import SLUG, check_keys
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import LOCATION, SITE
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain

# Options that are passed to nginx_config unchanged, for a site and for its proxied locations.
SITE_OPTIONS = {name: SITE[name] for name in SITE if name != "locations"}
PROXY_OPTIONS = {name: LOCATION[name] for name in LOCATION if name.endswith("_timeout")}
OPTIONS: dict[str, Any] = {
    **SITE_OPTIONS,
    **PROXY_OPTIONS,
    "app": {"type": "str"},
    "upstream": {"type": "str"},
    "static": {"type": "dict"},
    "media": {"type": "dict"},
    "protected_media": {"type": "dict", "default": {}},
    "symlinks": LOCATION["symlinks"],
    "websocket_paths": {"type": "list", "elements": "str", "default": []},
}


def django_sites(sites: Iterable[Mapping[str, Any]], tls: str | bool = "off") -> list[dict[str, Any]]:
    """Convert the role's sites to the C(sites) option of nginx_config; *tls* is the default of their C(tls)."""
    result = ArgumentSpecValidator({"django_site_tls": OPTIONS["tls"]}).validate({"django_site_tls": tls})
    if result.error_messages:
        raise AnsibleFilterError("; ".join(result.error_messages))
    return [_site({"tls": result.validated_parameters["django_site_tls"], **site}) for site in sites]


def _checked(site: Mapping[str, Any]) -> dict[str, Any]:
    where = f"django_site_sites[{site.get('name')}]"
    try:
        check_keys(site, OPTIONS, where)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error
    result = ArgumentSpecValidator(OPTIONS).validate(plain(site))
    if result.error_messages:
        raise AnsibleFilterError(f"{where}: {'; '.join(result.error_messages)}")
    checked: dict[str, Any] = result.validated_parameters
    if checked["state"] == "present":
        app, upstream = checked["app"], checked["upstream"]
        if (app is None) == (upstream is None):
            raise AnsibleFilterError(
                f"{where} needs exactly one of 'app' (the name of a django_app on this host) "
                "and 'upstream' (an address such as 'http://127.0.0.1:8000')"
            )
        if app is not None and not SLUG.fullmatch(app):
            raise AnsibleFilterError(f"{where}: app '{app}' is not the name of an app: only a-z, 0-9, '-' and '_'")
    return checked


def _site(given: Mapping[str, Any]) -> dict[str, Any]:
    site = _checked(given)
    result = {name: site[name] for name in SITE_OPTIONS}
    if site["state"] == "absent":
        return result
    app = site["app"]
    # The paths that role django_app uses, derived from the app's name.
    home = f"/srv/{app}"
    static = _or(site["static"], {"/static/": f"{home}/current/static/"} if app else {})
    media = _or(site["media"], {"/media/": f"{home}/data/media/"} if app else {})
    links = {} if site["symlinks"] == "auto" else {"symlinks": site["symlinks"]}
    proxy: dict[str, Any] = {"proxy_pass": f"http://unix:{home}/current/web.sock" if app else site["upstream"]}
    proxy |= {name: site[name] for name in PROXY_OPTIONS}
    result["locations"] = [
        *({"path": path, "alias": alias, **links} for path, alias in static.items()),
        *({"path": path, "alias": alias, "untrusted": True, **links} for path, alias in media.items()),
        *({"path": path, "alias": alias, "internal": True, **links} for path, alias in site["protected_media"].items()),
        *({"path": path, "websocket": True} | _without_read_timeout(proxy) for path in site["websocket_paths"]),
        {"path": "/", **proxy},
    ]
    return result


def _or(given: dict[str, str] | None, default: dict[str, str]) -> dict[str, str]:
    return default if given is None else given


def _without_read_timeout(proxy: Mapping[str, Any]) -> dict[str, Any]:
    # An idle websocket is no failure: use the module's longer default.
    return {key: value for key, value in proxy.items() if key != "proxy_read_timeout"}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Map the names of the filters to their functions."""
        return {"django_sites": django_sites}
